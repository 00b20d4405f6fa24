package detector

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/detector/vantages"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// sighting is how an attempt failed. That of one that succeeded is not kept, because there may be a
// million servers.
type sighting struct {
	outcome  report.Outcome
	steps    []model.ProbeStep
	server   string
	protocol string
	version  string
	status   uint16
	family   uint8
}

// seenIn returns how an attempt failed, or nil if it succeeded.
func seenIn(r *model.ProbeResult) *sighting {
	if r.Outcome == report.OK {
		return nil
	}
	return &sighting{r.Outcome, r.Steps, r.Server, r.Protocol, r.Version, r.Status, r.Family}
}

// words describes how a failed attempt ended, such as "AS64501 tcp.refused in connect".
func (j *vantageJudgement) words() string {
	if j.saw == nil {
		return fmt.Sprintf("AS%d", j.asn)
	}
	text := fmt.Sprintf("AS%d %s", j.asn, j.saw.outcome)
	if n := len(j.saw.steps); n > 0 {
		text += " in " + j.saw.steps[n-1].Name
	}
	return text
}

// result returns the judgement as the result that it follows from.
func (j *vantageJudgement) result(target model.ProbeTarget) model.ProbeResult {
	r := model.ProbeResult{Vantage: j.vantage, VantageASN: j.asn, Target: target, At: j.at, Judgement: j.Judgement, Outcome: report.OK}
	if s := j.saw; s != nil {
		r.Outcome, r.Steps, r.Server, r.Protocol, r.Version, r.Status, r.Family = s.outcome, s.steps, s.server, s.protocol, s.version, s.status, s.family
	}
	return r
}

// reachNames has the model's names of the reaches, in the order in which Probed lists servers.
var reachNames = []struct {
	reach vantages.Reach
	name  model.ProbeReach
}{
	{vantages.Global, model.ProbesGlobal}, {vantages.Local, model.ProbesLocal}, {vantages.Unknown, model.ProbesUnknown}, {vantages.Up, model.ProbesUp},
}

// Probed returns what the vantages hold of servers, those that are down for all first, then those
// that are down for some, the unknown ones and those that are up, each by their places. total is
// how many there are beyond the limit, too. It is safe for concurrent use.
func (d *Detector) Probed(q model.ProbedQuery) (servers []model.ProbedServer, total int) {
	return d.probes.probed(q, time.Now())
}

func (m *probeMap) probed(q model.ProbedQuery, now time.Time) (servers []model.ProbedServer, total int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if q.Server != "" {
		t := m.targets[q.Server]
		if t == nil || q.Reach != "" && q.Reach != nameOf(t.reach) {
			return nil, 0
		}
		return append(servers, t.export(now, m.hold)), 1
	}
	for _, r := range reachNames {
		left := m.reaches[r.reach] // of them, so that a search ends at the last
		if q.Reach != "" && q.Reach != r.name || left == 0 {
			continue
		}
		total += left
		for _, t := range m.order {
			if left == 0 || len(servers) >= q.Limit {
				break
			}
			if t.reach == r.reach {
				left--
				servers = append(servers, t.export(now, m.hold))
			}
		}
	}
	return servers, total
}

func nameOf(r vantages.Reach) model.ProbeReach {
	for _, n := range reachNames {
		if n.reach == r {
			return n.name
		}
	}
	return model.ProbesUnknown
}

// export returns t for readers outside.
func (t *probed) export(now time.Time, hold time.Duration) model.ProbedServer {
	s := model.ProbedServer{Target: t.ProbeTarget, Reach: nameOf(t.reach), Since: t.since}
	for i := range t.judgements {
		j := &t.judgements[i]
		s.Found = append(s.Found, model.Finding{ProbeResult: j.result(t.ProbeTarget), Began: j.began, Holds: j.holds(now, hold)})
	}
	slices.SortFunc(s.Found, func(a, b model.Finding) int { return strings.Compare(a.Vantage, b.Vantage) })
	return s
}

// mostDated is how many servers get the time back since when they are down, after a restart.
const mostDated = 100

// dateBack finds out in the store since when servers are down.
func (d *Detector) dateBack(ctx context.Context) error {
	m := d.probes
	for _, name := range m.undated() {
		results, err := d.o.Events.ProbeResults(ctx, model.ProbeQuery{Target: name, Since: time.Now().Add(-probeForget), Limit: model.MaxRows})
		if err != nil {
			return err
		}
		m.mu.Lock()
		if t := m.targets[name]; t != nil {
			t.dateBack(results)
		}
		m.mu.Unlock()
	}
	return nil
}

// undated returns the names of servers that are down.
func (m *probeMap) undated() (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.order {
		if (t.reach == vantages.Global || t.reach == vantages.Local) && len(names) < mostDated {
			names = append(names, t.Name)
		}
	}
	return names
}

// dateBack sets the times since when t is down from its results, of which the newest come first.
func (t *probed) dateBack(results []model.ProbeResult) {
	over := map[string]bool{} // vantages whose row has ended
	for i := range results {
		r := &results[i]
		k := slices.IndexFunc(t.judgements, func(j vantageJudgement) bool { return j.vantage == r.Vantage })
		if k < 0 || over[r.Vantage] {
			continue
		}
		if j := &t.judgements[k]; r.Judgement == j.Judgement {
			j.began = r.At
		} else {
			over[r.Vantage] = true
		}
	}
	var since time.Time
	for i := range t.judgements {
		if j := &t.judgements[i]; j.Judgement == report.JudgedDown && !j.began.IsZero() && (since.IsZero() || j.began.Before(since)) {
			since = j.began
		}
	}
	if !since.IsZero() {
		t.since = since
	}
}
