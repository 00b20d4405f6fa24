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

// signer makes receipts and answers with them. Statements that the committer has not signed with
// its round are gathered, so that one signature serves many of them, too.
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

// unsigned is statements and their keys. What is in flight when the key is replaced keeps the one
// of its time.
type unsigned struct {
	statements []receipt.Statement
	keys       []*ed25519.PrivateKey // of statements
}

func (u *unsigned) add(key *ed25519.PrivateKey, s receipt.Statement) {
	u.statements, u.keys = append(u.statements, s), append(u.keys, key)
}

func (u *unsigned) reset() { u.statements, u.keys = u.statements[:0], u.keys[:0] }

// sign signs statements, with one signature for all in a row that have the same key. The receipts
// of those are nil that could not be signed.
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
			receipts = signed // nearly always all of them
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
	receipt   chan []byte // buffered; receives nil when signing failed
}

func (*single) weight() int { return 0 }

// signSingles is the work of a round.
func (s *signer) signSingles(round []*single) {
	var all unsigned
	for _, one := range round {
		all.add(one.key, one.statement)
	}
	for i, signed := range s.sign(&all) {
		round[i].receipt <- signed
	}
}

// signSingle signs a statement, with those of others when there are some.
func (s *signer) signSingle(key *ed25519.PrivateKey, said receipt.Statement) []byte {
	one := &single{key, said, make(chan []byte, 1)}
	if !s.queue.submit(one) {
		s.signSingles([]*single{one})
	}
	return <-one.receipt
}

// Header values that are always the same.
var (
	receiptType = []string{protocol.MediaTypeReceipt}
	noStore     = []string{"no-store"}
	anyOrigin   = []string{"*"}
	exposed     = []string{"ETag, Retry-After"}
)

// answer sends a receipt, and signs it before if it is not signed yet.
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
	_, _ = w.Write(a.receipt) // a client that went away will ask again
}

// statusOf is the HTTP status that goes with a statement. Only the receipt counts for agents; the
// status is for whoever looks on.
func statusOf(s receipt.Statement) int {
	switch {
	case s.Decision == receipt.Stored:
		return http.StatusAccepted
	case s.Reason == receipt.ReasonIDConflict:
		return http.StatusConflict
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

// declined leaves a batch with the agent for a reason that does not follow from its bytes alone:
// another collector, or this one with other settings, may take it.
func declined(s receipt.Statement, reason string) receipt.Statement {
	s.Decision, s.Reason = receipt.SlowDown, reason
	return s
}

// slowDown makes s a request to come later.
func slowDown(s receipt.Statement, why *shed) receipt.Statement {
	s.Decision, s.Reason, s.DelayMS = receipt.SlowDown, why.reason, uint64(why.delay/time.Millisecond)
	return s
}
