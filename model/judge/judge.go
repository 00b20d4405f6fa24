// Package judge says in one sentence how users fare, once for the page, the command line and the
// alerts, so that they cannot disagree. [Overall] is pure: it reads no clock and no store.
package judge

import (
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// State is the state of everything in one word.
type State string

// The states.
const (
	Calm             State = "calm"              // nothing is abnormal
	Unsure           State = "unsure"            // too little is known to say that users are fine
	DegradedDelivery State = "degraded_delivery" // users are fine, reports do not reach a collector
	Incident         State = "incident"          // an incident is open
	Silent           State = "silent"            // there were reports, and there are none now
)

// Judgement is the state with its reasons.
type Judgement struct {
	State    State
	Headline string    // one sentence without a full stop; never contradicts the numbers
	Since    time.Time // zero: not known
	Why      []string  // sentences without a full stop, the most telling first
}

// Facts are what a judgement rests on.
type Facts struct {
	Now        time.Time
	Thresholds Thresholds
	// Incidents are the open ones, and those that were open lately.
	Incidents []model.Incident

	Window     time.Duration // what Targets, Collectors and Networks sum up
	Recent     time.Duration // the last part of it, which tells whether failures are over
	Targets    []Sum         // applications' requests by target
	Collectors []Sum         // deliveries of reports by collector's id
	Networks   int           // that clients came from
	// FailingNetworks are those that fail now, whatever the others do; see Failing.
	FailingNetworks int

	Heard   time.Time     // when a request was heard of last, to a Step; zero: not within Horizon
	Horizon time.Duration // how far back Heard reaches
	Step    time.Duration
	Pause   time.Duration // the longest between requests within Horizon, before Heard
	// HeardBefore says, when Heard is zero, whether a request was heard of before that.
	HeardBefore bool

	Servers     Servers
	NetworkName func(asn uint32) string // nil: no names are known
}

// Thresholds are those of the detector that a headline names. A zero one is not named.
type Thresholds struct {
	Clients  int     // distinct clients with failures that an incident takes
	Failures float64 // failures above the expected that it takes
}

// Sum counts requests of one kind.
type Sum struct {
	Name   string  // target, or collector's id
	OK     float64 // estimated requests in the window
	Failed float64
	// Clients with failures: exactly so many, or at most so many when AtMost is set.
	Clients uint64
	AtMost  bool

	RecentOK, RecentFailed float64 // the same requests, of the recent part of the window
}

// Servers counts servers by what probes say of them.
type Servers struct{ Up, Down, Unknown int }

func (s Servers) count() int { return s.Up + s.Down + s.Unknown }

const (
	// failingShare of requests, and at least failingLeast of them, must fail before a headline
	// mentions it.
	failingShare = 0.1
	failingLeast = 3
	// mostShare of requests fail for no service that works.
	mostShare = 0.5

	// leastSilence, silentSteps and silentPauses say when nothing heard is silence: reports come in
	// windows, and where few users are, seldom.
	leastSilence = 2 * time.Minute
	silentSteps  = 5
	silentPauses = 2
)

// Failing reports whether so many requests fail that it deserves a look.
func Failing(ok, failed float64) bool {
	return failed >= failingLeast && failed >= failingShare*(ok+failed)
}

// failing reports whether the requests fail, and have not recovered.
func (s Sum) failing() bool { return Failing(s.OK, s.Failed) && !s.recovered() }

// anyFailing is failing for requests that are so few that each counts.
func (s Sum) anyFailing() bool {
	return s.Failed > 0 && s.Failed >= failingShare*(s.OK+s.Failed) && !s.recovered()
}

func (s Sum) recovered() bool {
	return s.RecentOK+s.RecentFailed >= failingLeast && !Failing(s.RecentOK, s.RecentFailed)
}

// stopped reports whether a collector takes fewer batches than it fails.
func (s Sum) stopped() bool { return s.failing() && s.Failed > s.OK }

// Overall judges. It keeps none of what it is given.
func Overall(f Facts) Judgement {
	v := view{Facts: f}
	v.sort()
	j := v.judge()
	if s := v.servers(j.State); s != "" {
		j.Headline += s
	}
	if f.Servers.Up == 0 && f.Servers.Down > 0 && (j.State == Calm || j.State == DegradedDelivery) {
		j.State, j.Since = Unsure, time.Time{}
	}
	j.Why = v.why(j.State)
	return j
}

// judge is Overall without the servers and the reasons.
func (v *view) judge() Judgement {
	switch {
	case len(v.open) > 0:
		return Judgement{State: Incident, Headline: v.incident(), Since: earliest(v.open)}
	case v.Heard.IsZero() && !v.HeardBefore:
		return Judgement{State: Unsure, Headline: "No reports yet"}
	case v.silent():
		return Judgement{State: Silent, Headline: "Reports have stopped", Since: v.Heard}
	case len(v.failing) > 0 && v.tooLittle(v.failing[0]) != "":
		return Judgement{State: Unsure, Headline: v.fails(v.failing[0]) + ": " + v.tooLittle(v.failing[0])}
	case len(v.stopped) > 0:
		return Judgement{State: DegradedDelivery, Headline: v.users() + "; " + v.delivery(), Since: earliest(v.delivers)}
	default:
		return Judgement{State: Calm, Headline: v.users(), Since: v.cleared()}
	}
}

func (v *view) silent() bool {
	least := max(leastSilence, silentSteps*v.Step, silentPauses*v.Pause)
	return v.Heard.IsZero() || v.Now.Sub(v.Heard) > least
}

// tooLittle says why failures are no incident, "" when the detector had enough to call them one and
// did not.
func (v *view) tooLittle(s Sum) string {
	t := v.Thresholds
	switch {
	case s.Clients < uint64(max(t.Clients, 0)):
		return "too few to judge (" + count(float64(t.Clients)) + " needed)"
	case s.Failed < t.Failures:
		return "too few to judge (" + count(t.Failures) + " failures needed)"
	case s.Failed >= mostShare*(s.OK+s.Failed):
		return "no incident so far"
	default:
		return ""
	}
}
