package collector

import (
	"net/http"
	"strconv"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/receipt"
)

// unsigned is a statement that waits for its signature.
type unsigned struct {
	statement receipt.Statement
	receipt   chan []byte // buffered; receives nil when signing failed
}

func (*unsigned) weight() int { return 0 }

// sign is the work of the signer: one signature for all.
func (c *Collector) sign(round []*unsigned) {
	statements := make([]receipt.Statement, len(round))
	for i, u := range round {
		statements[i] = u.statement
	}
	receipts := c.receipts(statements)
	for i, u := range round {
		u.receipt <- receipts[i]
	}
}

// receipts signs statements; it returns nil receipts, and logs, when that fails.
func (c *Collector) receipts(statements []receipt.Statement) [][]byte {
	receipts, err := receipt.Sign(c.settings.Load().ReceiptKey, statements)
	if err != nil {
		c.o.Logger.Error("receipts could not be signed", "error", err)
		return make([][]byte, len(statements))
	}
	return receipts
}

// answerRefusal signs and sends a statement that is not Stored. The caller is inside the gate.
func (c *Collector) answerRefusal(w http.ResponseWriter, s receipt.Statement) {
	u := &unsigned{s, make(chan []byte, 1)}
	if !c.signer.submit(u) {
		c.answer(w, s, c.receipts([]receipt.Statement{s})[0])
		return
	}
	c.answer(w, s, <-u.receipt)
}

// Header values that are always the same.
var (
	receiptType = []string{protocol.MediaTypeReceipt}
	noStore     = []string{"no-store"}
	anyOrigin   = []string{"*"}
	exposed     = []string{"ETag, Retry-After"}
)

// answer sends a statement's receipt.
func (c *Collector) answer(w http.ResponseWriter, s receipt.Statement, signed []byte) {
	if s.Decision == receipt.Stored && s.Reason == "" {
		c.metrics.stored.Inc()
	} else {
		c.metrics.batches.WithLabelValues("agent", s.Decision.String(), s.Reason).Inc()
	}
	if signed == nil {
		httpx.WriteText(w, http.StatusInternalServerError, "no receipt could be made")
		return
	}
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = receiptType, noStore
	if s.Decision == receipt.SlowDown {
		h.Set("Retry-After", strconv.FormatUint((s.DelayMS+999)/1000, 10))
	}
	w.WriteHeader(statusOf(s))
	_, _ = w.Write(signed) // a client that went away will ask again
}

// statusOf is the HTTP status that goes with a statement. Only the receipt counts for agents; the
// status is for whoever looks on.
func statusOf(s receipt.Statement) int {
	switch {
	case s.Decision == receipt.Stored:
		return http.StatusAccepted
	case s.Decision == receipt.SlowDown:
		return http.StatusServiceUnavailable
	case s.Reason == receipt.ReasonIDConflict:
		return http.StatusConflict
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
