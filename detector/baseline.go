package detector

import (
	"math"

	"github.com/heliograph-net/heliograph/model/sketch"
)

// Parameters of the baseline. They are constants because they hold for any sensible width of a bin
// and for any rate.
const (
	priorRate = 0.01 // failures per request where nothing is known at all
	// requests for which the parent's rate speaks: a new series alarms only when most of its
	// requests fail
	priorWeight = 20
	// bins with requests after which an observation counts for half; a day of minutes
	halfLife    = 1440
	spreadLife  = 64  // the same for the overdispersion
	spreadClip  = 16  // most that one bin says about it
	usualWeight = 0.1 // of the newest bin in the usual exposure
)

var (
	fade       = math.Exp2(-1.0 / halfLife)
	spreadFade = math.Exp2(-1.0 / spreadLife)
)

// observation is one bin of one series.
type observation struct {
	x, n float64 // failures; exposure, scaled by the fraction of failures that is reported
	e    float64 // expected failures among n
	// expected failures among the usual exposure, if that is larger: exposure is an estimate from a
	// few sampled windows
	bound    float64
	failing  float64         // distinct clients that failed
	expected float64         // and how many were to be expected
	clients  *sketch.Clients // who failed; nil: nobody. Not to be changed
	places   *sketch.Places  // where, of everyone and of networks; nil: not known. Not to be changed
	hot      bool            // beyond what chance and the ratio allow
	masked   bool            // is part of an incident and never learned
}

// series is the state of one value in one group.
type series struct {
	// discounted failures, exposure and failing clients (per bin) of all bins that were learned
	a, b, c float64
	spread  float64 // overdispersion: discounted mean of (x-e)²/e
	recent  []observation

	alarmed bool
	peak    float64 // the highest failure rate since it is
	clean   int     // consecutive bins with requests and without the fault
	silent  int     // consecutive bins without requests
}

// newSeries starts a series at a value that had exposure b and, so far, no failure of this kind.
func newSeries(b, spread float64, window int) *series {
	return &series{b: b, spread: spread, recent: make([]observation, window)}
}

// rate is the posterior mean of failures per request, shrunk to the parent's.
func (s *series) rate(parent float64) float64 {
	return (priorWeight*parent + s.a) / (priorWeight + s.b)
}

// observe predicts a bin, keeps it in the ring at slot and learns the bin that stood there: what
// happened since is known by now, so that the beginning of an incident does not spoil the baseline
// it is compared with.
func (s *series) observe(slot int, o observation, parent, usual float64, f *Thresholds) {
	if old := &s.recent[slot]; old.n > 0 && !old.masked {
		s.learn(old)
	}
	rate := s.rate(parent)
	o.e = rate * o.n
	o.bound = rate * max(o.n, usual)
	o.expected = (priorWeight*parent + s.c) / (priorWeight + s.b) * max(o.n, usual)
	if o.x > f.Ratio*o.bound {
		evidence := tailEvidence(o.x, max(o.n, usual), priorWeight*parent+s.a, priorWeight+s.b)
		o.hot = evidence/max(1, s.spread) >= f.Evidence
	}
	s.recent[slot] = o
}

// learn takes a bin into the baseline.
func (s *series) learn(o *observation) {
	s.a = fade*s.a + o.x
	s.b = fade*s.b + o.n
	s.c = fade*s.c + o.failing
	d := (o.x - o.e) * (o.x - o.e) / max(o.e, 0.5)
	s.spread = spreadFade*s.spread + (1-spreadFade)*min(d, spreadClip)
}

// faded reports whether nothing is left of the failures of a series.
func (s *series) faded() bool { return s.a < 0.05 && s.window().x == 0 }

// mask keeps the bins of the ring from being learned.
func (s *series) mask() {
	for i := range s.recent {
		s.recent[i].masked = true
	}
}

// window is a sum over the bins of the ring.
type windowSums struct {
	x, n, e, bound, failing, expected float64
	hot                               int
}

func (s *series) window() windowSums {
	var w windowSums
	for i := range s.recent {
		o := &s.recent[i]
		w.add(windowSums{o.x, o.n, o.e, o.bound, o.failing, o.expected, 0})
		if o.hot {
			w.hot++
		}
	}
	return w
}

func (w *windowSums) add(v windowSums) {
	w.x += v.x
	w.n += v.n
	w.e += v.e
	w.bound += v.bound
	w.failing += v.failing
	w.expected += v.expected
}

func (w windowSums) excess() float64 { return w.x - w.e }

// addClients adds who failed in the ring to a set.
func (s *series) addClients(set *sketch.Clients) {
	for i := range s.recent {
		if clients := s.recent[i].clients; clients != nil {
			set.Merge(clients)
		}
	}
}

// widely reports whether those who failed in the ring were in enough places. Where a collector
// tells no places nothing is known of them.
func (s *series) widely(f *Thresholds) bool {
	var all sketch.Places
	for i := range s.recent {
		if p := s.recent[i].places; p != nil {
			all.Merge(p)
		}
	}
	return all.Count() == 0 || all.Unknown() || all.Count() >= f.Places
}

// abnormal reports whether the thresholds are met by this series alone, but for those
// about networks.
func (s *series) abnormal(f *Thresholds) bool {
	w := s.window()
	if w.hot < f.Hot || w.x-w.bound < f.Excess || w.x < f.Ratio*w.bound || w.failing < f.Ratio*w.expected {
		return false
	}
	var who sketch.Clients
	s.addClients(&who)
	return who.Count() >= f.Clients
}

// alarm marks the series as hit.
func (s *series) alarm(peak float64) {
	s.alarmed, s.peak, s.clean, s.silent = true, min(peak, 1), 0, 0
}

// follow judges the newest bin of a series that is hit and ends the alarm when it is over. bad
// reports whether the fault was there.
func (s *series) follow(slot int, f *Thresholds) (bad bool) {
	o := &s.recent[slot]
	if o.n <= 0 {
		s.silent++
		s.alarmed = s.silent < f.Silence
		return false
	}
	s.silent = 0
	if o.hot {
		s.peak = min(1, max(s.peak, o.x/o.n))
	}
	if o.hot || s.likelier(o, f) {
		s.clean = 0
		return true
	}
	s.clean++
	s.alarmed = s.clean < f.Clear
	return false
}

// likelier reports whether the bin fits half of the incident's rate better than the baseline. A
// dead collector that one agent tries in vain proves nothing by itself, but it is no sign of
// recovery either.
func (s *series) likelier(o *observation, f *Thresholds) bool {
	calm := o.e / o.n
	fault := max(s.peak/2, f.Ratio*calm)
	return o.x*math.Log(fault/calm) > o.n*(fault-calm)
}
