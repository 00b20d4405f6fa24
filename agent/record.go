package agent

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Recording reports whether [Agent.Observe] would count a request now. If not, a caller need not
// watch requests at all.
func (a *Agent) Recording() bool { return a != nil && a.recorder.recording() }

// Observe counts one request, or o.Count equal ones. For a successful request, it costs a lock and
// a map access. It allocates only for what it sees for the first time in a window. It never blocks
// and never panics. Without consent, it does nothing.
func (a *Agent) Observe(o Observation) {
	if !a.Recording() {
		return
	}
	defer a.events.caught()
	a.recorder.observe(&o)
}

// ObserveRef is [Agent.Observe] for callers to whom nanoseconds matter: copying an [Observation]
// costs about as much as counting it, and so does adding two times, which most counts do not need.
// The request began when after had passed since origin; o.Start is ignored. The agent neither
// changes nor retains o.
func (a *Agent) ObserveRef(o *Observation, origin time.Time, after time.Duration) {
	if !a.Recording() {
		return
	}
	defer a.events.caught()
	if o.Outcome == report.OK {
		a.recorder.succeeded(o, origin, after)
		return
	}
	failure := *o
	failure.Start = origin.Add(after)
	a.recorder.observe(&failure)
}

// AddWindow records a window that the caller has counted, in addition to the agent's own. Unless
// something in it failed, it is sent with the policy's probability, like the agent's own windows.
// If the caller has already selected it with a higher probability, a second draw makes up for the
// difference. A lower probability is kept. Like [Agent.Observe], it neither blocks nor panics, and
// does nothing without consent.
func (a *Agent) AddWindow(t Tally) {
	if !a.Recording() {
		return
	}
	defer a.events.caught()
	a.recorder.addTally(&t)
}

// AddProbeResults records the results of the operator's own prober, with a header of
// [report.SourceProber]. The At of each result is relative to at instead of a segment's birth. The
// agent retains r and its slices, which must not change afterwards, and divides r if it is too
// large for one record.
//
// Like [Agent.Observe], it neither blocks nor panics. It needs a consent of at least
// [report.Counts] and leaves out results from before consent. If r violates a rule of
// [report.ProbeResults], it is dropped and counted.
func (a *Agent) AddProbeResults(at time.Time, r *report.ProbeResults) {
	if r == nil || !a.Recording() {
		return
	}
	defer a.events.caught()
	a.recorder.addProbes(at, r)
}

// SettleLater arranges one call of settle before the open window ends, on the goroutine that ends
// it. It is for callers that do not know yet how a request ended: settle observes what is known by
// then. If now is false, the window ends because it is due, and requests whose outcome will soon be
// known may wait for another SettleLater. settle must be quick. Its panics are recovered. Without
// consent no window is open, and settle waits for one until [Agent.Shutdown].
func (a *Agent) SettleLater(settle func(now bool)) {
	if a.absent() {
		return
	}
	defer a.events.caught()
	a.recorder.settleLater(settle)
}

// NetworkChanged tells the agent that the client's network has just changed: another network, a new
// or a lost address, online or offline. The failures in the open window, including samples, are
// marked with [report.FlagNetworkChanged], because they happened on the old network or during the
// change. So leaving a Wi-Fi is not taken for an outage. Later failures are not marked; a caller
// that knows that a request began before the change sets the flag in its [Observation]. httpagent
// calls NetworkChanged when the machine's addresses change. Like [Agent.Observe], it neither blocks
// nor panics, and does nothing without consent.
func (a *Agent) NetworkChanged() {
	if !a.Recording() {
		return
	}
	defer a.events.caught()
	a.recorder.networkChanged()
}

// CaptureError records an error of the application with the stack of its caller. Errors with the
// same type and stack form a group, which a window reports once with their number. A window has at
// most 32 groups. Under [report.Counts], a group has neither message nor stack. The trace id comes
// from ctx, see [WithTraceID]. CaptureError does nothing if err is nil or without consent. It never
// blocks and never panics.
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

// Lost counts n application errors that the caller had to drop before [Agent.Capture], as
// agent/slogagent does when its queue is full ([report.DropQueueFull]).
func (a *Agent) Lost(n uint64) {
	if !a.Recording() {
		return
	}
	defer a.events.caught()
	a.recorder.drop(report.DropQueueFull, n)
}
