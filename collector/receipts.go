package collector

import (
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/receipt"
)

// signer signs receipts and sends them. It collects statements that are not part of the committer's
// rounds, so that one signature serves many of them, too.
type signer struct {
	metrics *metrics
	log     *slog.Logger
	queue   *group[*single]
}

func newSigner(o *Options, m *metrics) *signer {
	s := &signer{metrics: m, log: o.Logger}
	s.queue = newGroup(o.MaxUploads, (*single).weight, s.signSingles)
	return s
}

// unsigned has statements and their keys. An upload that is in flight when the key is replaced
// keeps the old key.
type unsigned struct {
	statements []receipt.Statement
	keys       []*ed25519.PrivateKey // keys[i] signs statements[i]
}

func (u *unsigned) add(key *ed25519.PrivateKey, s receipt.Statement) {
	u.statements, u.keys = append(u.statements, s), append(u.keys, key)
}

func (u *unsigned) reset() { u.statements, u.keys = u.statements[:0], u.keys[:0] }

// sign signs statements. Consecutive statements with the same key share one signature. The receipt
// of a statement that could not be signed is nil.
func (s *signer) sign(u *unsigned) (receipts [][]byte) {
	for from := 0; from < len(u.keys); {
		key := u.keys[from]
		to := from + 1
		for to < len(u.keys) && u.keys[to] == key {
			to++
		}
		signed, err := receipt.Sign(*key, u.statements[from:to])
		if err != nil {
			s.log.Error("receipts could not be signed", "error", err)
			signed = make([][]byte, to-from)
		}
		if receipts == nil {
			receipts = signed // nearly always, all have the same key
		} else {
			receipts = append(receipts, signed...)
		}
		from = to
	}
	return receipts
}

// single is a statement that waits for its signature.
type single struct {
	key       *ed25519.PrivateKey
	statement receipt.Statement
	receipt   chan []byte // buffered; receives nil if signing failed
}

func (*single) weight() int { return 0 }

// signSingles does the work of a round.
func (s *signer) signSingles(round []*single) {
	var all unsigned
	for _, one := range round {
		all.add(one.key, one.statement)
	}
	for i, signed := range s.sign(&all) {
		round[i].receipt <- signed
	}
}

// signSingle signs a statement, together with others if there are any.
func (s *signer) signSingle(key *ed25519.PrivateKey, said receipt.Statement) []byte {
	one := &single{key, said, make(chan []byte, 1)}
	if !s.queue.submit(one) {
		s.signSingles([]*single{one})
	}
	return <-one.receipt
}

// Constant header values.
var (
	receiptType = []string{protocol.MediaTypeReceipt}
	noStore     = []string{"no-store"}
	anyOrigin   = []string{"*"}
	exposed     = []string{"ETag, Retry-After"}
)

// answer sends a receipt. It signs the receipt first if it is not yet signed.
func (s *signer) answer(w http.ResponseWriter, now *settings, a answer) {
	said := a.statement
	if said.Decision == receipt.Stored && said.Reason == "" {
		s.metrics.stored.Inc()
	} else {
		s.metrics.batches.WithLabelValues("agent", said.Decision.String(), said.Reason).Inc()
	}
	if a.receipt == nil && said.Decision != receipt.Stored {
		a.receipt = s.signSingle(&now.ReceiptKey, said)
	}
	if a.receipt == nil {
		httpx.WriteText(w, http.StatusInternalServerError, "no receipt could be made")
		return
	}
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = receiptType, noStore
	if said.DelayMS > 0 {
		h.Set("Retry-After", strconv.FormatUint((said.DelayMS+999)/1000, 10))
	}
	w.WriteHeader(statusOf(said))
	_, _ = w.Write(a.receipt) // a client that went away will send again
}

// statusOf returns the HTTP status for a statement. Agents use only the receipt. The status is for
// people and intermediaries.
func statusOf(s receipt.Statement) int {
	switch {
	case s.Decision == receipt.Stored:
		return http.StatusAccepted
	case s.Reason == receipt.ReasonUnknownKey:
		return http.StatusBadRequest
	case s.Decision == receipt.SlowDown:
		return http.StatusServiceUnavailable
	case s.Reason == receipt.ReasonTooLarge:
		return http.StatusRequestEntityTooLarge
	default:
		return http.StatusBadRequest
	}
}

func refused(s receipt.Statement, reason string) receipt.Statement {
	s.Decision, s.Reason = receipt.Refused, reason
	return s
}

// declined refuses a batch for a reason that does not follow from its bytes alone, so the agent
// keeps it. Another collector, or this one with other settings, may accept it.
func declined(s receipt.Statement, reason string) receipt.Statement {
	s.Decision, s.Reason = receipt.SlowDown, reason
	return s
}

// slowDown turns s into a request to come later.
func slowDown(s receipt.Statement, why *shed) receipt.Statement {
	s.Decision, s.Reason, s.DelayMS = receipt.SlowDown, why.reason, uint64(why.delay/time.Millisecond)
	return s
}
