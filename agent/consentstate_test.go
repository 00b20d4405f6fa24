package agent

import (
	mathrand "math/rand/v2"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

var stateNames = map[consentState]string{
	starting: "starting", withdrawn: "withdrawn", off: "off", barred: "barred", counting: "counting", diagnosing: "diagnosing",
	draining: "draining", closedWithdrawn: "closedWithdrawn", closed: "closed",
}

var eventNames = [consentEvents]string{
	granted: "granted", revoked: "revoked", purged: "purged", purgeFailed: "purgeFailed", reviewed: "reviewed", shutDown: "shutDown",
}

// TestConsentTransitions has every state and event. The states of a level are tried with each level
// that user and policy may allow together.
func TestConsentTransitions(t *testing.T) {
	const byLevel = inForce
	want := map[consentState][consentEvents]consentState{
		// granted, revoked, purged, purgeFailed, reviewed, shutDown
		starting:        {byLevel, withdrawn, off, withdrawn, starting, closedWithdrawn},
		withdrawn:       {withdrawn, withdrawn, off, withdrawn, withdrawn, closedWithdrawn},
		off:             {byLevel, off, off, withdrawn, off, closed},
		barred:          {byLevel, withdrawn, barred, barred, byLevel, draining},
		counting:        {byLevel, withdrawn, counting, counting, byLevel, draining},
		diagnosing:      {byLevel, withdrawn, diagnosing, diagnosing, byLevel, draining},
		draining:        {draining, closedWithdrawn, draining, draining, draining, draining},
		closedWithdrawn: {closedWithdrawn, closedWithdrawn, closed, closedWithdrawn, closedWithdrawn, closedWithdrawn},
		closed:          {closed, closed, closed, closed, closed, closed},
	}
	ofLevel := map[report.Consent]consentState{report.Off: barred, report.Counts: counting, report.Diagnostics: diagnosing}
	if len(want) != len(transitions) || len(want) != len(stateNames) {
		t.Fatalf("%d states are tested, %d have transitions, %d have names", len(want), len(transitions), len(stateNames))
	}
	for from, row := range want {
		for e, to := range row {
			for level, levelState := range ofLevel {
				wanted := to
				if to == byLevel {
					wanted = levelState
				}
				if got := from.next(consentEvent(e), level); got != wanted {
					t.Errorf("%s, %s at level %d: %s, want %s", stateNames[from], eventNames[e], level, stateNames[got], stateNames[wanted])
				}
			}
		}
	}
}

// TestConsentStates says what each state lets an agent do.
func TestConsentStates(t *testing.T) {
	type powers struct{ records, allows, purges bool }
	want := map[consentState]powers{
		starting:        {},
		withdrawn:       {purges: true},
		off:             {},
		barred:          {allows: true},
		counting:        {records: true, allows: true},
		diagnosing:      {records: true, allows: true},
		draining:        {allows: true},
		closedWithdrawn: {purges: true},
		closed:          {},
	}
	for s, p := range want {
		if got := (powers{s.records(), s.allows(), s.purges()}); got != p {
			t.Errorf("%s: %+v, want %+v", stateNames[s], got, p)
		}
	}
}

// newConsent is a consent, whose user allows Diagnostics, and its recorder.
func newConsent(t *testing.T) (*consent, *recorder) {
	t.Helper()
	p := &checkedPolicy{Policy: &policy.Policy{
		Expires: time.Now().Add(time.Hour).Unix(), MaxConsent: report.Diagnostics, WindowMS: 1000, SamplesPerWindow: 3,
	}}
	var r recorder
	r.init(mathrand.New(mathrand.NewPCG(1, 2)), p, new(events))
	var c consent
	c.init(p, &r)
	if !c.grant(report.Diagnostics, time.Time{}) {
		t.Fatal("an agent does not start")
	}
	r.observe(&Observation{Scheme: "https", Host: "shop.example", Outcome: report.TCPRefused})
	return &c, &r
}

func TestRecorderFollowsConsent(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(c *consent)
		records bool
		level   report.Consent // of the open window; Off: there is none
	}{
		"unchanged":               {func(*consent) {}, true, report.Diagnostics},
		"lowered":                 {func(c *consent) { c.change(report.Counts) }, true, report.Counts},
		"lowered and raised":      {func(c *consent) { c.change(report.Counts); c.change(report.Diagnostics) }, true, report.Counts},
		"withdrawn":               {func(c *consent) { c.withdraw() }, false, report.Off},
		"shut down":               {func(c *consent) { c.close() }, false, report.Diagnostics},
		"shut down and lowered":   {func(c *consent) { c.close(); c.change(report.Counts) }, false, report.Counts},
		"shut down and withdrawn": {func(c *consent) { c.close(); c.withdraw() }, false, report.Off},
	} {
		t.Run(name, func(t *testing.T) {
			c, r := newConsent(t)
			test.change(c)
			if r.recording() != test.records {
				t.Errorf("recording is %v", r.recording())
			}
			w, _ := r.takeWindow(time.Now(), true)
			switch {
			case w == nil && test.level != report.Off:
				t.Error("the open window is gone")
			case w != nil && w.level != test.level:
				t.Errorf("the open window has level %d, want %d", w.level, test.level)
			case w != nil && (len(w.samples) > 0) != (test.level == report.Diagnostics):
				t.Errorf("the open window has %d samples at level %d", len(w.samples), test.level)
			}
		})
	}
}

// TestPermits: what began under one consent does not go on under the next.
func TestPermits(t *testing.T) {
	c, _ := newConsent(t)
	first := c.current()
	ctx, cancel := first.while(t.Context())
	defer cancel()
	c.change(report.Counts)
	if c.current() != first || !first.valid() {
		t.Error("a change of level is another permit")
	}
	c.withdraw()
	<-ctx.Done()
	if c.grant(report.Counts, time.Now()) {
		t.Error("consent before the spool was deleted")
	}
	c.purged(nil)
	if !c.grant(report.Counts, time.Now()) || first.valid() || c.current() == first || !c.current().valid() {
		t.Error("another consent is not another permit")
	}
	c.close()
	c.withdraw()
	c.purged(nil)
	if c.grant(report.Counts, time.Now()) || c.allows() || c.delivers() {
		t.Error("consent after Shutdown")
	}
}
