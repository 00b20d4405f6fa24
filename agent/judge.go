package agent

import (
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// none is the decision for an answer that is not a receipt for the upload.
const none receipt.Decision = 0

// answer is what a collector's answer means.
type answer struct {
	decision receipt.Decision
	reason   string
	declines bool           // for this batch only, see receipt.Statement.Declines
	outcome  report.Outcome // the outcome in the delivery path if the batch was not accepted
	delay    time.Duration  // before the collector is tried again
	err      error
}

var (
	errNoReceipt    = errors.New("answer is not a receipt by the collector's key")
	errOtherReceipt = errors.New("receipt is for another upload")
)

// judge decides what an answer means. Only a receipt that the collector's key has signed for this
// batch and these bytes counts as delivery. A captive portal's 200, a router's 403 and a proxy's
// 502 do not. A slow-down may lack the body's hash, because it is sent before the body is read and
// deletes nothing.
func judge(c policy.Collector, id report.BatchID, body [32]byte, r Response) answer {
	undelivered := answer{outcome: r.Outcome, delay: min(max(r.RetryAfter, 0), maxRetryAfter), err: r.Err}
	if !undelivered.outcome.Valid() || undelivered.outcome == report.OK {
		undelivered.outcome = report.HTTPResponseInvalid
	}
	if r.Err != nil {
		return undelivered
	}
	st, err := receipt.Verify(c.ReceiptKey, r.Body)
	switch {
	case err != nil:
		undelivered.err = errNoReceipt
		return undelivered
	case st.Batch != id, st.Body != body && st.Decision != receipt.SlowDown:
		undelivered.err = errOtherReceipt
		return undelivered
	case st.Declines():
		return answer{decision: st.Decision, reason: st.Reason, declines: true, outcome: report.HTTPError}
	case st.Decision == receipt.SlowDown:
		return answer{decision: receipt.SlowDown, reason: st.Reason, outcome: report.HTTPError, delay: slowDown(st.DelayMS)}
	}
	return answer{decision: st.Decision, reason: st.Reason, outcome: report.HTTPError}
}

func slowDown(ms uint64) time.Duration {
	return time.Duration(min(ms, uint64(maxSlowDown.Milliseconds()))) * time.Millisecond
}

// neverLeft reports whether it is certain that an attempt sent no byte of the segment, because
// there was no connection or no trusted peer.
func neverLeft(r answer) bool {
	switch o := r.outcome; {
	case r.decision != none || r.err == nil:
		return false
	case o == report.TCPRefused, o == report.TCPAddressInvalid, o == report.TCPAddressUnreachable:
		return true
	default:
		return o.Under("dns") || o.Under("tls.cert")
	}
}
