package detector

import (
	"maps"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// news knows which incidents the store has, and makes events of what the judge says.
type news struct {
	open map[int64]model.Incident // incidents that are open in the store
	over map[int64]time.Time      // ends of incidents that were open recently
}

// sameEnd is how much two judgements of one end may differ. A judge that is given rows again has
// forgotten what clients reported in the minutes before.
const sameEnd = 2 * time.Minute

// overMost is how many ended incidents are remembered, and overFor is the least time for which they
// are.
const (
	overMost = 1000
	overFor  = 26 * time.Hour
)

func newNews(stored []model.Incident) *news {
	n := &news{open: map[int64]model.Incident{}, over: map[int64]time.Time{}}
	for i := range stored {
		n.note(&stored[i])
	}
	return n
}

// note records the state of an incident in the store.
func (n *news) note(i *model.Incident) {
	if i.Open() {
		n.open[i.ID] = i.Clone()
		delete(n.over, i.ID)
		return
	}
	delete(n.open, i.ID)
	n.over[i.ID] = i.Until
	if len(n.over) > overMost {
		maps.DeleteFunc(n.over, func(_ int64, until time.Time) bool { return i.Until.Sub(until) > overFor })
	}
}

// of makes events of the judge's latest word on each incident.
//
// In a gap, the judge says in a moment what it would have said over hours: after the process, the
// feeds or the machine stood still, or when the judge is given rows again after its last snapshot.
// An incident that began and ended meanwhile is reported once, as late. One that continues is
// reported as it is now, unless the store has it so. open has all incidents that continue; others
// that are open in the store are over. Without a gap, open is nil.
func (n *news) of(said []model.Incident, open []model.Incident, now time.Time) (events []model.Event) {
	latest := map[int64]*model.Incident{}
	for i := range said {
		latest[said[i].ID] = &said[i]
	}
	gap := open != nil
	for i := range open {
		if latest[open[i].ID] == nil {
			latest[open[i].ID] = &open[i]
		}
	}
	for _, id := range slices.Sorted(maps.Keys(latest)) {
		if kind := n.kind(latest[id], gap); kind != 0 {
			events = append(events, model.Event{Kind: kind, Incident: *latest[id]})
		}
	}
	if gap {
		events = append(events, n.gone(latest, now)...)
	}
	for i := range events {
		n.note(&events[i].Incident)
	}
	return events
}

// kind returns what happened to an incident since it was stored, or 0 if the store has it as it is.
func (n *news) kind(i *model.Incident, gap bool) model.EventKind {
	old, known := n.open[i.ID]
	switch {
	case i.Open() && !known:
		return model.Opened
	case i.Open() && gap && same(&old, i):
		return 0
	case i.Open():
		return model.Changed
	case known:
		return model.Cleared
	case !i.Until.After(n.over[i.ID].Add(sameEnd)):
		return 0
	default: // it opened and ended in the gap
		i.Late, i.Page = true, false
		return model.Opened
	}
}

// same reports whether an operator would see no difference between a and b.
func same(a, b *model.Incident) bool {
	return a.Verdict == b.Verdict && a.Page == b.Page && a.Late == b.Late && a.Outcome == b.Outcome && a.Scope.Equal(b.Scope)
}

// gone ends the incidents that are open in the store but unknown to the judge.
func (n *news) gone(known map[int64]*model.Incident, now time.Time) (events []model.Event) {
	for _, id := range slices.Sorted(maps.Keys(n.open)) {
		if known[id] != nil {
			continue
		}
		i := n.open[id] // nobody else has it any more
		i.Until = later(now, i.Since)
		events = append(events, model.Event{Kind: model.Cleared, Incident: i})
	}
	return events
}

// carry gives the judge's open incidents the IDs of the stored ones about the same target, so that
// one fault stays one incident when a judge starts without a snapshot.
func (n *news) carry(judge *judgement.Judge) {
	for _, i := range judge.Open() {
		for _, id := range slices.Sorted(maps.Keys(n.open)) {
			if old := n.open[id]; old.App == i.App && old.Target == i.Target && !isOpen(judge, id) {
				judge.Rename(i.ID, judgement.ID(id))
				break
			}
		}
	}
}

func isOpen(judge *judgement.Judge, id int64) bool {
	return slices.ContainsFunc(judge.Open(), func(i judgement.Incident) bool { return int64(i.ID) == id })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// incidentOf converts the judge's incident, with times of the detector's clock.
func incidentOf(i *judgement.Incident, line *timeline, names func(asn uint32) string) model.Incident {
	m := model.Incident{
		ID: int64(i.ID), App: i.App, Target: i.Target, Outcome: report.Unknown, Verdict: i.Verdict, Page: i.Page, Late: i.Late, Share: i.Share,
		Since: line.real(i.Onset), Reopened: i.Reopened, Severity: i.Severity, SlowerThan: i.SlowerThan, UsuallySlow: i.UsuallySlow, Failed: i.Failed, Requests: i.Requests, Expected: i.Expected, Clients: i.Clients,
		Buckets: i.Buckets, Networks: i.Networks,
	}
	if i.Until != 0 {
		m.Until = later(line.real(i.Until), m.Since)
	}
	if len(i.Outcomes) > 0 {
		m.Outcome, m.Also = i.Outcomes[0], slices.Clone(i.Outcomes[1:])
		slices.Sort(m.Also)
	}
	for k := range i.Scope {
		s := scopeOf(&i.Scope[k])
		if i.App == model.DeliveryApp {
			s.Collectors = nil // the target names the collector
		}
		if k == 0 {
			m.Scope = s
		} else {
			m.Others = append(m.Others, s)
		}
	}
	for _, e := range i.Evidence {
		m.Evidence = append(m.Evidence, model.Signal(e))
	}
	m.Title = title(&m, names)
	return m
}

func scopeOf(s *judgement.Scope) model.Scope {
	return model.Scope{ASNs: s.ASN, Countries: s.Country, Servers: s.Server, Versions: s.Version, Systems: s.OS, Protocols: s.Protocol, Statuses: s.Status,
		Collectors: s.Collector}.Clone()
}
