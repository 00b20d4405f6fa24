// Package judge sums up in one sentence how the users of a service fare. The page, the command line
// and the alerts all use it, so that they cannot disagree.
//
// [Overall] turns [Facts] into a [Judgement]. It is a pure function: it reads no clock
// and no store.
package judge

import (
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// State is the overall state in one word.
type State string

// The states.
const (
	Calm   State = "calm"   // nothing is abnormal
	Unsure State = "unsure" // too little is known to say that users are fine
	// users are fine, but reports do not reach a collector
	DegradedDelivery State = "degraded_delivery"
	Incident         State = "incident" // an incident is open
	Silent           State = "silent"   // there used to be reports, and there are none now
)

// Judgement is the overall state and the reasons for it.
type Judgement struct {
	State    State
	Headline string    // one sentence without a full stop; never contradicts the numbers
	Since    time.Time // zero if unknown
	Why      []string  // sentences without a full stop, the most important first
	Who      string    // how many are hit; empty if nobody is, or nobody knows
	Subject  Subject
}

// Subject is what a judgement is about, whose failures are worth a curve.
type Subject struct {
	Incident *model.Incident // the first of the open incidents; nil if there is none
	// what fails without an incident: a target, or [model.CollectorTarget] and a collector's id;
	// empty if nothing does
	Target string
}

// Facts are the facts that a judgement is based on.
type Facts struct {
	Now        time.Time
	Thresholds Thresholds
	// Doubts says why the detector does not judge what fails, by target: "too few to judge (2
	// clients of the 3 needed)".
	Doubts map[string]string
	// Incidents are the open incidents and those that were open recently.
	Incidents []model.Incident

	Window     time.Duration // the time that Targets, Collectors and Networks cover
	Recent     time.Duration // the last part of Window, which tells whether failures are over
	Targets    []Sum         // the applications' requests by target
	Collectors []Sum         // deliveries of reports by collector
	Networks   int           // number of networks that clients came from
	// FailingNetworks is the number of networks from which requests fail now, as [Failing]
	// defines it.
	FailingNetworks int

	// time of the last request, in multiples of Step; zero if none within Horizon
	Heard   time.Time
	Horizon time.Duration // how far back Heard reaches
	Step    time.Duration
	Pause   time.Duration // the longest gap between requests within Horizon, before Heard
	// HeardBefore reports whether there was a request before Horizon. It matters only if
	// Heard is zero.
	HeardBefore bool

	Servers     Servers
	Blindness   Blindness
	NetworkName func(asn uint32) string // nil if no names are known
	// ServerName returns the name of the server at an address, or "". nil if no names are known.
	ServerName func(address string) string
}

// Blindness says in sentences without a full stop, the most important first, what keeps the
// detector from seeing.
type Blindness struct {
	Blind    []string // nothing can be judged
	Impaired []string // less is seen than should be
}

// Thresholds are the detector's thresholds that a headline can mention. It does not mention those
// that are zero.
type Thresholds struct {
	Clients  int     // least number of distinct clients with failures
	Failures float64 // least number of failures above the expected ones
}

// Sum counts the requests to one target, or the deliveries to one collector.
type Sum struct {
	Name   string  // the target, or the collector's id
	OK     float64 // estimated successful requests in the window
	Failed float64
	// Clients is the number of clients with failures. If AtMost is set, it is an upper bound.
	Clients uint64
	AtMost  bool

	RecentOK, RecentFailed float64 // likewise in the recent part of the window
}

// Servers counts servers by the state that probes found.
type Servers struct{ Up, Down, Unknown int }

func (s Servers) count() int { return s.Up + s.Down + s.Unknown }

const (
	// failingShare and failingLeast are the least share and the least number of failed requests
	// that a headline mentions.
	failingShare = 0.1
	failingLeast = 3
	// mostShare is the share of failed requests from which on a service cannot be called working.
	// It leaves room for estimates: what succeeds is told by few reports of great weight.
	mostShare = 0.5

	// leastSilence, silentSteps and silentPauses decide after how long a time without reports the
	// state is Silent. Reports come once per window, and with few users they are rare.
	leastSilence = 2 * time.Minute
	silentSteps  = 5
	silentPauses = 2
)

// Failing reports whether enough requests fail to deserve attention: at least 3, and at least a
// tenth of all.
func Failing(ok, failed float64) bool {
	return failed >= failingLeast && failed >= failingShare*(ok+failed)
}

// failing reports whether the requests fail and have not recovered.
func (s Sum) failing() bool { return Failing(s.OK, s.Failed) && !s.recovered() }

// anyFailing is like failing, without a least number of failures, for when requests are few.
func (s Sum) anyFailing() bool {
	return s.Failed > 0 && s.Failed >= failingShare*(s.OK+s.Failed) && !s.recovered()
}

func (s Sum) recovered() bool {
	return s.RecentOK+s.RecentFailed >= failingLeast && !Failing(s.RecentOK, s.RecentFailed)
}

// stopped reports whether more deliveries to a collector fail than succeed.
func (s Sum) stopped() bool { return s.failing() && s.Failed > s.OK }

// Overall returns the judgement for f. It keeps no reference to anything in f.
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
	j.Subject, j.Who = v.subject(j.State)
	return j
}

// judge does the work of Overall, except for the servers and the reasons.
func (v *view) judge() Judgement {
	switch {
	case len(v.open) > 0:
		return Judgement{State: Incident, Headline: v.incident(), Since: earliest(v.open)}
	case len(v.Blindness.Blind) > 0:
		return Judgement{State: Unsure, Headline: "The detector is blind: nobody can say how users fare"}
	case v.Heard.IsZero() && !v.HeardBefore:
		return Judgement{State: Unsure, Headline: "No reports yet"}
	case v.silent():
		return Judgement{State: Silent, Headline: "Reports have stopped", Since: v.Heard}
	case len(v.failing) > 0 && v.tooLittle(v.failing[0]) != "":
		return Judgement{State: Unsure, Headline: v.fails(v.failing[0]) + ": " + v.tooLittle(v.failing[0])}
	case v.degraded():
		return Judgement{State: DegradedDelivery, Headline: v.users() + "; " + v.delivery(), Since: earliest(v.delivers)}
	default:
		return Judgement{State: Calm, Headline: v.users(), Since: v.cleared()}
	}
}

// subject returns what a judgement of a state is about, and who is hit.
func (v *view) subject(s State) (about Subject, who string) {
	switch {
	case s == Incident:
		i := v.open[0].Clone()
		return Subject{Incident: &i}, v.who(&i)
	case s == Unsure && len(v.failing) > 0:
		return Subject{Target: v.failing[0].Name}, v.clients(v.failing[0])
	case s == DegradedDelivery && len(v.delivers) > 0:
		i := v.delivers[0].Clone()
		return Subject{Incident: &i}, ""
	case s == DegradedDelivery && len(v.stopped) > 0:
		return Subject{Target: model.CollectorTarget + v.stopped[0]}, ""
	default:
		return Subject{}, ""
	}
}

func (v *view) silent() bool {
	least := max(leastSilence, silentSteps*v.Step, silentPauses*v.Pause)
	return v.Heard.IsZero() || v.Now.Sub(v.Heard) > least
}

// tooLittle returns why the failures are not an incident. It returns "" if the detector had enough
// evidence to open one and did not.
func (v *view) tooLittle(s Sum) string {
	t := v.Thresholds
	switch {
	case v.Doubts[s.Name] != "":
		return v.Doubts[s.Name]
	case s.Clients < uint64(max(t.Clients, 0)):
		return "too few to judge (" + count(float64(t.Clients)) + " needed)"
	case s.Failed < t.Failures:
		return "too few to judge (" + count(t.Failures) + " failures needed)"
	case s.Failed >= mostShare*(s.OK+s.Failed), s.RecentFailed > 0 && s.RecentFailed >= mostShare*(s.RecentOK+s.RecentFailed):
		return "no incident so far"
	default:
		return ""
	}
}
