package doctor

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// Held is the policy that the operator has, with which those of the collectors are compared.
type Held struct {
	Policy *policy.Policy
	Signed []byte
}

// compare returns the faults of a policy that a collector serves: those for which agents would
// reject it, and differences that the operator did not intend.
func (h *Held) compare(served []byte, id string, now time.Time) []string {
	if bytes.Equal(served, h.Signed) {
		return nil
	}
	signer, err := policy.Signer(served)
	if err != nil {
		return []string{"serves what is no policy: " + err.Error()}
	}
	own, err := policy.Signer(h.Signed)
	if err != nil {
		return nil // this command cannot read it either
	}
	trusted := append(slices.Clone(h.Policy.Signers), own)
	if !slices.ContainsFunc(trusted, func(k []byte) bool { return bytes.Equal(k, signer) }) {
		return []string{"serves a policy that another key has signed: agents refuse it"}
	}
	p, err := policy.Open(served, signer)
	if err != nil {
		return []string{"serves a policy that cannot be read: " + err.Error()}
	}
	return h.differences(p, id, now)
}

func (h *Held) differences(p *policy.Policy, id string, now time.Time) (faults []string) {
	switch {
	case p.Version < h.Policy.Version:
		faults = append(faults, fmt.Sprintf("serves version %d of the policy, older than version %d in hand: put that one there and reload", p.Version, h.Policy.Version))
	case p.Version == h.Policy.Version:
		faults = append(faults, fmt.Sprintf("serves another policy of version %d than the one in hand: agents refuse one of the two", p.Version))
	default:
		faults = append(faults, fmt.Sprintf("serves version %d of the policy, newer than version %d in hand: examine that one", p.Version, h.Policy.Version))
	}
	if p.Expired(now) {
		faults = append(faults, "serves a policy that has expired")
	}
	if !slices.ContainsFunc(p.Collectors, func(c policy.Collector) bool { return c.ID == id }) {
		faults = append(faults, "serves a policy that does not name it")
	}
	return faults
}

// probe is uploaded to get a receipt. No collector stores it, because it is not a segment.
var probe = []byte("heliograph doctor")

// receipts uploads something that every collector refuses, and checks that the receipt is signed
// with the key that the policy has for the collector. Agents accept no other.
func (l *Looker) receipts(ctx context.Context, f *Facts, c policy.Collector) {
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	id, err := report.NewBatchID(time.Now(), rand.Reader)
	if err != nil {
		f.Unknown = append(f.Unknown, "its receipts: "+err.Error())
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+protocol.PathBatches, bytes.NewReader(probe))
	if err != nil {
		return // answers reports it
	}
	req.Header.Set("Content-Type", protocol.MediaTypeSegment)
	req.Header.Set(protocol.HeaderBatch, id.String())
	resp, err := l.client("").Do(req)
	if err != nil {
		return // answers reports it
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, receipt.MaxSize))
	switch s, verifyErr := receipt.Verify(ed25519.PublicKey(c.ReceiptKey), answer); {
	case err != nil:
		f.Unknown = append(f.Unknown, "its receipts: "+err.Error())
	case verifyErr != nil && resp.Header.Get("Content-Type") != protocol.MediaTypeReceipt:
		f.Faults = append(f.Faults, fmt.Sprintf("answers an upload with status %d and no receipt", resp.StatusCode))
	case verifyErr != nil, s.Batch != id, s.Decision != receipt.SlowDown && s.Body != sha256.Sum256(probe):
		f.Faults = append(f.Faults, "its receipts are not signed by the key that the policy gives it: agents believe none of them")
	}
}
