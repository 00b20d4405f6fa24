package detector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// auditJudge opens and clears the incidents of collectors whose signed batches never come. It
// belongs to the evaluator's goroutine.
type auditJudge struct {
	auditor *auditor
	metrics *metrics
	open    map[string]*model.Incident // by collector
	told    map[string]int             // batches that the last event of the open one told of
	cleared map[string]time.Time       // what was claimed before has been told of
}

func newAuditJudge(a *auditor, m *metrics) *auditJudge {
	return &auditJudge{auditor: a, metrics: m, open: map[string]*model.Incident{}, told: map[string]int{}, cleared: map[string]time.Time{}}
}

// audits reports whether an incident is one of auditJudge's.
func audits(i *model.Incident) bool {
	return i.App == model.DeliveryApp && i.Outcome == model.ReceiptUnkept
}

// restore takes over its incidents from an earlier run, and returns the other incidents.
func (j *auditJudge) restore(incidents []model.Incident) (others []model.Incident) {
	for i := range incidents {
		inc := incidents[i].Clone()
		switch collector := inc.Collector(); {
		case !audits(&inc):
			others = append(others, incidents[i])
		case inc.Open():
			j.open[collector], j.told[collector] = &inc, int(inc.Failed)
		default:
			j.cleared[collector] = later(j.cleared[collector], inc.Until)
		}
	}
	return others
}

const (
	// leastClaimers and leastBuckets are how many clients, and how many parts of the networks, must
	// say that batches are missing.
	leastClaimers = 5
	leastBuckets  = 5
	// leastUnkept is how many batches must be missing at least, as clip counts them.
	leastUnkept = 10
	// claimingShare is the least share of the networks that say anything of a collector from which
	// batches are missing: one that throws away at random hits them all alike.
	claimingShare = 0.02
)

// step judges every collector.
func (j *auditJudge) step(ctx context.Context, now time.Time, t *Thresholds, newID func() int64) (events []model.Event, err error) {
	missing, waiting, err := j.due(ctx, now)
	if errors.Is(err, model.ErrAway) {
		return nil, nil // what has come is not known
	}
	if err != nil {
		return nil, err
	}
	claimed, err := j.auditor.state.Claimed(ctx, now.Add(-day))
	if err != nil {
		return nil, err
	}
	j.metrics.unkept.Reset()
	j.metrics.awaited.Reset()
	for _, collector := range j.auditor.collectors() {
		j.metrics.unkept.WithLabelValues(collector).Set(float64(len(missing[collector])))
		j.metrics.awaited.WithLabelValues(collector).Set(float64(waiting[collector]))
		if e, ok := j.judge(collector, missing[collector], claimed, now, t, newID); ok {
			events = append(events, e)
		}
	}
	return events, nil
}

// due returns, by collector, the claims that are due and the number of those that may still be
// fulfilled. It forgets claims whose batches have come.
func (j *auditJudge) due(ctx context.Context, now time.Time) (missing map[string][]Claim, waiting map[string]int, err error) {
	all, err := j.auditor.state.Claims(ctx)
	if err != nil {
		return nil, nil, err
	}
	open, err := j.auditor.missing(ctx, all)
	if err != nil {
		return nil, nil, err
	}
	if len(open) < len(all) {
		if err := j.auditor.state.SettleClaims(ctx, settled(all, open)); err != nil {
			return nil, nil, err
		}
	}
	missing, waiting = map[string][]Claim{}, map[string]int{}
	j.auditor.mu.Lock()
	defer j.auditor.mu.Unlock()
	for i := range open {
		c := &open[i]
		switch f := j.auditor.feeds[c.Collector]; {
		case f == nil: // its feed is read no longer
		case j.auditor.due(f, c, now):
			missing[c.Collector] = append(missing[c.Collector], *c)
		default:
			waiting[c.Collector]++
		}
	}
	return missing, waiting, nil
}

// settled returns the claims of all that are not in open.
func settled(all, open []Claim) (rest []Claim) {
	still := make(map[Claim]bool, len(open))
	for _, c := range open {
		still[c] = true
	}
	for _, c := range all {
		if !still[c] {
			rest = append(rest, c)
		}
	}
	return rest
}

// judge returns the events about one collector.
func (j *auditJudge) judge(collector string, missing []Claim, claimed []Claimed, now time.Time, t *Thresholds, newID func() int64) (e model.Event, ok bool) {
	missing = slices.DeleteFunc(missing, func(c Claim) bool { return !c.Told.After(j.cleared[collector]) })
	s := summarise(collector, missing, claimed)
	inc := j.open[collector]
	switch {
	case inc == nil && !s.enough(t):
		return e, false
	case inc == nil:
		inc = &model.Incident{ID: newID(), App: model.DeliveryApp, Target: model.CollectorTarget + collector, Outcome: model.ReceiptUnkept,
			Verdict: model.CollectorPath, Page: true, Since: s.first}
		e.Kind = model.Opened
	case len(missing) == 0 || now.Sub(s.last) > j.auditor.longTime():
		over := inc.Clone()
		over.Until = later(later(s.last, over.Since), j.cleared[collector])
		delete(j.open, collector)
		j.cleared[collector] = now
		return model.Event{Kind: model.Cleared, Incident: over}, true
	case 2*len(missing) >= 3*j.told[collector]:
		e.Kind = model.Changed
	default:
		return e, false
	}
	inc.Failed, inc.Requests, inc.Clients = float64(len(missing)), float64(max(s.claimed, len(missing))), s.clients
	inc.Title, inc.Evidence = s.title(collector), s.evidence(collector)
	j.open[collector], j.told[collector] = inc, len(missing)
	e.Incident = inc.Clone()
	return e, true
}

// auditSummary sums up what is claimed about one collector and what was seen of it.
type auditSummary struct {
	missing, clipped           int
	clients, networks, buckets int // who miss batches
	claimed, claiming          int // all batches claimed, and the networks that claim any
	first, last                time.Time
}

func summarise(collector string, missing []Claim, claimed []Claimed) (s auditSummary) {
	clients, networks, buckets := map[uint64]bool{}, map[uint32]int{}, map[dayBucket]bool{}
	for i := range missing {
		c := &missing[i]
		clients[c.Client] = true
		if c.Bucket != 0 {
			buckets[dayBucket{dayOf(c.Told), c.Bucket}] = true
		}
		networks[c.ASN]++
		if s.first.IsZero() || c.Told.Before(s.first) {
			s.first = c.Told
		}
		s.last = later(s.last, c.Told)
	}
	claiming := map[uint32]bool{}
	for i := range claimed {
		if claimed[i].Collector == collector {
			s.claimed += claimed[i].Batches
			claiming[claimed[i].ASN] = true
		}
	}
	s.missing, s.clients, s.networks, s.buckets, s.claiming = len(missing), len(clients), len(networks), mostOfADay(buckets), len(claiming)
	s.clipped = clip(slices.Collect(maps.Values(networks)))
	return s
}

// dayBucket is a bucket on one day. A place has another bucket every day.
type dayBucket struct {
	day    int64
	bucket report.Bucket
}

// mostOfADay counts the buckets of the day that has the most.
func mostOfADay(buckets map[dayBucket]bool) (most int) {
	days := map[int64]int{}
	for b := range buckets {
		days[b.day]++
		most = max(most, days[b.day])
	}
	return most
}

// clip adds up what networks miss. A network counts for at most a third of the sum, so that one or
// two networks weigh little.
func clip(networks []int) (sum int) {
	slices.Sort(networks)
	slices.Reverse(networks)
	if len(networks) < 3 {
		return 0
	}
	for _, n := range networks {
		sum += min(n, networks[2])
	}
	return sum
}

// enough reports whether to open an incident. Clients are as they call themselves; networks and
// buckets are as the collectors saw them.
func (s *auditSummary) enough(t *Thresholds) bool {
	return s.clients >= leastClaimers && s.networks >= t.Networks && float64(s.networks) >= claimingShare*float64(s.claiming) &&
		(s.buckets >= leastBuckets || s.buckets == 0) && float64(s.clipped) >= max(t.Excess, leastUnkept)
}

func batches(n int) string {
	if n == 1 {
		return "1 batch"
	}
	return fmt.Sprintf("%d batches", n)
}

func (s *auditSummary) title(collector string) string {
	return fmt.Sprintf("%s receipted %s that never came", collector, batches(s.missing))
}

func (s *auditSummary) evidence(collector string) []model.Signal {
	seen := plural(s.networks, "network")
	if s.buckets > 0 {
		seen += " and " + plural(s.buckets, "part") + " of them"
	}
	return []model.Signal{
		signal(model.SignalExcess, "clients named %s of %s in a day; %d of these batches have not come, though its feed went on", plural(max(s.claimed, s.missing), "receipt"), collector, s.missing),
		signal(model.SignalBreadth, "%s say so, which they choose themselves; collectors saw them in %s", plural(s.clients, "distinct client"), seen),
	}
}

// collectors returns the collectors whose feeds are read, sorted.
func (a *auditor) collectors() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.feeds))
}
