package agent

import (
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// none is the decision of an answer that is no receipt for what was sent.
const none receipt.Decision = 0

// answer is a collector's answer, judged.
type answer struct {
	decision receipt.Decision
	reason   string
	declines bool           // of this batch only, see receipt.Statement.Declines
	outcome  report.Outcome // what stands in the path when the batch was not taken
	delay    time.Duration  // before the collector is asked again
	err      error
}

var (
	errNoReceipt    = errors.New("answer is not a receipt by the collector's key")
	errOtherReceipt = errors.New("receipt is for another upload")
)

// judge decides what an answer means. Whatever is not signed by the collector's receipt key, for
// this batch and these bytes, leaves the batch undelivered: a captive portal's 200, a router's 403,
// a proxy's 502. A slow-down may come without the body's hash, because it is sent before the body
// is read and deletes nothing.
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

// neverLeft reports whether it is certain that an attempt got no byte of the segment out: no
// connection, or no peer that was trusted.
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
