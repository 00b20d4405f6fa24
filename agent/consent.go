package agent

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// SetConsent says what the user allows from now on; an unknown level means Off. Off ends recording
// at once, stops transfers and deletes the spool before it returns. If anything had been sent, one
// deletion notice (report.DeletionNotice) is left there, and is the last that is sent. Data from
// before a consent is never sent: the open window goes with a change to Off, Counts drops its
// samples, and requests that began earlier are not recorded. When an earlier run's spool cannot be
// deleted, consent stays Off (see Stats), because what is in there must not be sent.
func (a *Agent) SetConsent(c report.Consent) {
	defer a.caught()
	if c > report.Diagnostics {
		c = report.Off
	}
	a.consentMu.Lock()
	defer a.consentMu.Unlock()
	switch was := a.userConsent(); {
	case c == was:
	case c == report.Off:
		a.withdraw()
	case was == report.Off:
		a.allow(c, true)
	default:
		a.setUser(c)
	}
}

// withdraw ends recording and transfers and deletes the spool.
func (a *Agent) withdraw() {
	a.setUser(report.Off)
	a.mu.Lock()
	a.revoke()
	a.mu.Unlock()
	a.spoolMu.Lock()
	defer a.spoolMu.Unlock()
	// what stays is never sent: deliverAll tries again, and allow purges before it counts
	_ = a.forget()
	a.finishSegment()
	signal(a.kicked)
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.births)
	clear(a.drops) // these speak of what was recorded before, too
}

// purgeAgain deletes what a withdrawal could not. It returns when to call it again.
func (a *Agent) purgeAgain() (again time.Time) {
	a.spoolMu.Lock()
	defer a.spoolMu.Unlock()
	if a.unpurged && a.userConsent() == report.Off && a.forget() != nil {
		return time.Now().Add(purgeRetry)
	}
	return time.Now().Add(idle)
}

// withdrawn deletes what an earlier run left that had consent.
func (a *Agent) withdrawn() {
	a.spoolMu.Lock()
	defer a.spoolMu.Unlock()
	a.loadPolicy() // for the notice
	_ = a.forget() // as withdraw
}

// allow begins recording. With purge the spool is emptied first: it has nothing that this
// consent covers.
func (a *Agent) allow(c report.Consent, purge bool) {
	a.spoolMu.Lock()
	defer a.spoolMu.Unlock()
	if (purge || a.interrupted()) && a.forget() != nil {
		return
	}
	a.loadPolicy()
	a.takeDrops()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	now := time.Now()
	if purge {
		a.since = now
	}
	a.user = c
	a.revoke()
	a.consent, a.revoke = context.WithCancel(a.ctx)
	a.relevel(now)
	signal(a.kicked)
}

func (a *Agent) setUser(c report.Consent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.user = c
	a.relevel(time.Now())
}

func (a *Agent) userConsent() report.Consent {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.user
}

// relevel recomputes the consent in force, and takes from the open window what it no longer covers.
// The caller holds mu.
func (a *Agent) relevel(now time.Time) {
	if a.closed {
		a.level.Store(uint32(report.Off)) // the open window stays as it is, to be sealed
		return
	}
	level := a.policy.Effective(a.user, now)
	a.level.Store(uint32(level))
	if level == report.Off {
		a.tallies, a.probes = nil, nil
	}
	for i := range a.tallies {
		a.tallies[i].level = min(a.tallies[i].level, level)
	}
	w := a.window
	switch {
	case w.start.IsZero(), level == report.Off:
		a.window = newWindow(a.policy.Policy, len(w.keys))
	case level < w.level:
		w.level = level
		w.samples = nil
		w.dropDetails()
	}
}
