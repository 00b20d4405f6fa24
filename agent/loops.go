package agent

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// recordLoop ends windows when their time has come. Without requests there is no window
// and no timer.
func (a *Agent) recordLoop() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-a.stopping:
			return
		case <-a.opened:
			a.endTallies()
		case <-timer.C:
			a.endWindow(false)
		}
		timer.Reset(a.untilWindowEnds())
	}
}

// untilWindowEnds is how long the open window still lasts. Without one it is long: opened will
// be signalled.
func (a *Agent) untilWindowEnds() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.window.start.IsZero() {
		return 24 * time.Hour
	}
	return max(time.Until(a.window.start.Add(a.window.length)), 0)
}

// endWindow takes the open window, if its time has come or at once, draws whether it is sent, and
// stores it.
func (a *Agent) endWindow(atOnce bool) {
	defer a.caught()
	a.spoolMu.Lock()
	defer a.spoolMu.Unlock()
	a.storeTallies()
	now := time.Now()
	w, ppm := a.takeWindow(now, atOnce)
	if w == nil {
		return
	}
	a.drop(report.DropOverflow, w.overflow)
	if ppm > 0 {
		a.store(w.level, w.items(now, ppm))
		signal(a.kicked)
	}
}

// takeWindow closes the open window, opens the next and returns the closed one with the probability
// with which a window like it is sent; 0 when it is not. A window with a failure or an application
// error is always sent, and so is one that comes with drops to tell. It returns nil when there is
// no window to end.
func (a *Agent) takeWindow(now time.Time, atOnce bool) (*window, uint32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.relevel(now) // the policy may have expired meanwhile
	w := a.window
	if w.start.IsZero() || (!atOnce && now.Sub(w.start) < w.length) {
		return nil, 0
	}
	a.window = newWindow(a.policy.Policy, len(w.keys))
	if len(w.keys) == 0 && len(w.errors) == 0 && w.overflow == 0 {
		return nil, 0 // a panic that was sealed at once began it
	}
	a.stats.Windows++
	if w.failed || len(w.errors) > 0 || w.overflow > 0 || len(a.drops) > 0 {
		return w, report.FullPPM
	}
	if ppm := a.policy.SuccessPPM; a.rand.Uint32N(report.FullPPM) < ppm {
		return w, ppm
	}
	a.stats.SampledOut++
	return w, 0
}

// deliverLoop delivers soon after something was stored, and again when a collector's waiting
// time is over.
func (a *Agent) deliverLoop() {
	at := time.Now().Add(a.uniform(maxSendJitter)) // when the timer fires
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	for {
		select {
		case <-a.stopping:
			return
		case <-a.kicked:
			if soon := time.Now().Add(a.uniform(a.sendJitter())); soon.Before(at) {
				at = soon
			}
		case <-timer.C:
			at = a.deliverAll(a.ctx, 0)
		}
		timer.Reset(max(time.Until(at), 0))
	}
}

// maxSendJitter spreads the uploads of many clients that saw the same failure, and yet is little
// against a window.
const maxSendJitter = time.Second

func (a *Agent) sendJitter() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return min(time.Duration(a.policy.WindowMS)*time.Millisecond/4, maxSendJitter)
}
