package agent

import "github.com/heliograph-net/heliograph/report"

// NetworkChanged tells the agent that the client's network has just changed: another network, an
// address gained or lost, online or offline. What failed in the open window, samples included,
// failed on the network that is gone, or while it went, and is marked with
// report.FlagNetworkChanged, so that a walk out of the Wi-Fi is not taken for an outage. Later
// failures are not marked: whoever knows that a request began before the change sets the flag in
// its Observation. httpagent calls this when it sees the machine's addresses change. Like Observe
// it neither waits nor panics, and does nothing without consent.
func (a *Agent) NetworkChanged() {
	if !a.Recording() {
		return
	}
	defer a.caught()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.window.networkChanged()
}

// networkChanged marks all failures so far.
func (w *window) networkChanged() {
	for i := range w.keys {
		k := &w.keys[i]
		if k.outcome == report.OK || k.flags&report.FlagNetworkChanged != 0 {
			continue
		}
		delete(w.index, *k)
		k.flags |= report.FlagNetworkChanged
		if _, ok := w.index[*k]; !ok { // else two counters have one key now, which counters adds up
			w.index[*k] = uint32(i)
		}
	}
	for i := range w.samples {
		w.samples[i].record.Flags |= report.FlagNetworkChanged
	}
}
