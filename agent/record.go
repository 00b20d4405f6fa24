package agent

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Recording reports whether [Agent.Observe] would count a request now. Whoever watches requests may
// spare itself the trouble if not.
func (a *Agent) Recording() bool { return a != nil && a.recorder.recording() }

// Observe counts one request, or Count like ones. It takes no longer than a lock and a map access
// when the request succeeded, allocates only for what it sees for the first time in a window, never
// blocks on anything slower and never panics. It does nothing without consent.
func (a *Agent) Observe(o Observation) {
	if !a.Recording() {
		return
	}
	defer a.events.caught()
	a.recorder.observe(&o)
}

// AddWindow records a window that somebody else has counted, beside the agent's own. Unless
// something in it failed, it is sent with the policy's probability, as the agent's own are: when it
// was handed over with a higher one, a second draw makes up for the difference; it is not lowered
// when it was handed over with a lower one. Like [Agent.Observe] it neither waits nor panics, and
// does nothing without consent.
func (a *Agent) AddWindow(t Tally) {
	if !a.Recording() {
		return
	}
	defer a.events.caught()
	a.recorder.addTally(&t)
}

// AddProbeResults records what the operator's own prober found, below a header of
// [report.SourceProber]. The results' At is relative to at instead of a segment's birth. The agent
// keeps r and its slices, which must not change afterwards, and divides it if it is too large for
// one record.
//
// Like [Agent.Observe] it neither waits nor panics. Without consent, [report.Counts] at least, it
// does nothing; results from before consent are left out. What breaks a rule of
// [report.ProbeResults] is dropped and counted.
func (a *Agent) AddProbeResults(at time.Time, r *report.ProbeResults) {
	if r == nil || !a.Recording() {
		return
	}
	defer a.events.caught()
	a.recorder.addProbes(at, r)
}

// SettleLater has settle called once, before the open window ends, on the goroutine that ends it.
// It is for who watches requests and does not know yet how one has ended: settle observes what can
// be said by then. now is false when the window ends because its time is over: what is still likely
// to be known may then wait for another SettleLater. settle must be quick, and its panics are
// caught. Without consent no window is open, and settle waits for one until [Agent.Shutdown].
func (a *Agent) SettleLater(settle func(now bool)) {
	if a.absent() {
		return
	}
	defer a.events.caught()
	a.recorder.settleLater(settle)
}

// NetworkChanged tells the agent that the client's network has just changed: another network, an
// address gained or lost, online or offline. What failed in the open window, samples included,
// failed on the network that is gone, or while it went, and is marked with
// [report.FlagNetworkChanged], so that a walk out of the Wi-Fi is not taken for an outage. Later
// failures are not marked: whoever knows that a request began before the change sets the flag in
// its [Observation]. httpagent calls this when it sees the machine's addresses change. Like
// [Agent.Observe] it neither waits nor panics, and does nothing without consent.
func (a *Agent) NetworkChanged() {
	if !a.Recording() {
		return
	}
	defer a.events.caught()
	a.recorder.networkChanged()
}

// CaptureError records an error of the application with the stack of its caller. Errors of one type
// and stack make one group, which a window tells once, with their number; at most 32 groups fit
// into one window. Under [report.Counts] a group has neither message nor stack. The trace id is
// ctx's, see [WithTraceID]. It does nothing for nil and without consent, never blocks on anything
// slow and never panics.
func (a *Agent) CaptureError(ctx context.Context, err error) {
	if err == nil || !a.Recording() {
		return
	}
	defer a.events.caught()
	a.recorder.capture(&ApplicationError{
		Kind: report.KindError, Type: typeOf(err), Message: messageOf(err), PCs: callers(1), TraceID: TraceIDFrom(ctx),
	})
}

// Capture records one error of the application, see [Agent.CaptureError].
func (a *Agent) Capture(e ApplicationError) {
	if !a.Recording() {
		return
	}
	defer a.events.caught()
	a.recorder.capture(&e)
}

// Lost counts n application errors that the host's side had to drop before they reached
// [Agent.Capture], as agent/slogagent does when its queue is full ([report.DropQueueFull]).
func (a *Agent) Lost(n uint64) {
	if !a.Recording() {
		return
	}
	defer a.events.caught()
	a.recorder.drop(report.DropQueueFull, n)
}
