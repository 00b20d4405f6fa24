package detector

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// vantageJudge opens and clears the incidents of vantages that deliver nothing. Results that come
// later and are of that time amend the incident, for a day after its end. It belongs to the
// evaluator's goroutine.
type vantageJudge struct {
	probes *probeMap
	silent time.Duration              // without results until there is an incident
	began  time.Time                  // when this detector began to listen
	open   map[string]*model.Incident // by vantage
	past   map[string]*vantagePast    // the last that was cleared
}

// vantagePast is an incident that was cleared.
type vantagePast struct {
	incident model.Incident
	told     int // minutes of it that had results when it was last told of
}

func newVantageJudge(p *probeMap, silent time.Duration, now time.Time) *vantageJudge {
	return &vantageJudge{probes: p, silent: silent, began: now, open: map[string]*model.Incident{}, past: map[string]*vantagePast{}}
}

// restore takes over its incidents from an earlier run, and returns the other incidents.
func (j *vantageJudge) restore(incidents []model.Incident) (others []model.Incident) {
	for i := range incidents {
		inc := incidents[i].Clone()
		switch vantage := inc.Vantage(); {
		case vantage == "":
			others = append(others, incidents[i])
		case inc.Open():
			j.open[vantage] = &inc
		case j.past[vantage] == nil || inc.Until.After(j.past[vantage].incident.Until):
			j.past[vantage] = &vantagePast{incident: inc}
		}
	}
	return others
}

// step judges the vantages that must deliver. After a gap, in which this detector did not listen
// either, they have their time anew.
func (j *vantageJudge) step(now time.Time, gap bool, vantages []string, newID func() int64) (events []model.Event) {
	if gap {
		j.began = now
	}
	for _, v := range vantages {
		last, known := j.probes.lastOf(v)
		since := last
		if !known || last.Before(j.began) {
			since = j.began
		}
		inc := j.open[v]
		switch {
		case inc == nil && now.Sub(since) > j.silent:
			if known {
				since = last
			}
			events = append(events, model.Event{Kind: model.Opened, Incident: j.begin(v, since, known, newID())})
		case inc != nil && known && last.After(inc.Since) && now.Sub(last) <= j.silent:
			events = append(events, model.Event{Kind: model.Cleared, Incident: j.end(v, now)})
		case inc == nil:
			if amended, ok := j.amend(v, now); ok {
				events = append(events, model.Event{Kind: model.Changed, Incident: amended})
			}
		}
	}
	for _, v := range slices.Sorted(maps.Keys(j.open)) {
		if !slices.Contains(vantages, v) { // nobody expects it any more
			events = append(events, model.Event{Kind: model.Cleared, Incident: j.end(v, now)})
		}
	}
	return events
}

// begin opens an incident.
func (j *vantageJudge) begin(vantage string, since time.Time, known bool, id int64) model.Incident {
	inc := &model.Incident{ID: id, App: model.ProberApp, Target: model.VantageTarget + vantage, Outcome: model.NothingDelivered, Verdict: model.VantageSilent,
		Since: since, Title: fmt.Sprintf("vantage %s delivers nothing", vantage)}
	text := "its last result is from " + since.UTC().Format(time.DateTime) + " UTC"
	if !known {
		text = "nothing has come from it since this detector began to listen"
	}
	inc.Evidence = []model.Signal{signal(model.SignalMissing, "%s; others' results are not affected", text)}
	j.open[vantage] = inc
	return inc.Clone()
}

// end ends an open incident.
func (j *vantageJudge) end(vantage string, now time.Time) model.Incident {
	p := &vantagePast{incident: j.open[vantage].Clone()}
	delete(j.open, vantage)
	i := &p.incident
	i.Until = later(now, i.Since)
	j.past[vantage] = p
	j.tell(vantage, p)
	return i.Clone()
}

// amend returns the last incident of a vantage if results have come that are of its time.
func (j *vantageJudge) amend(vantage string, now time.Time) (amended model.Incident, ok bool) {
	p := j.past[vantage]
	if p == nil {
		return amended, false
	}
	if now.Sub(p.incident.Until) > probeForget {
		delete(j.past, vantage)
		return amended, false
	}
	if before := p.told; !j.tell(vantage, p) || p.told == before {
		return amended, false
	}
	return p.incident.Clone(), true
}

// tell puts into words what is known of the time of an incident that is over. It reports whether
// there are results of it.
func (j *vantageJudge) tell(vantage string, p *vantagePast) bool {
	i := &p.incident
	heard, all := j.probes.minutesOf(vantage, i.Since, i.Until)
	if p.told = heard; heard == 0 {
		i.Title = fmt.Sprintf("vantage %s delivered nothing for %s", vantage, i.Until.Sub(i.Since).Round(time.Second))
		return false
	}
	i.Late = true
	i.Title = fmt.Sprintf("vantage %s could not deliver for %s, and has delivered since what it found", vantage, i.Until.Sub(i.Since).Round(time.Second))
	late := signal(model.SignalLate, "its results of %d of %s came late: it went on probing, and was cut off from the collectors", heard, plural(all, "minute"))
	i.Evidence = append(slices.DeleteFunc(slices.Clone(i.Evidence), func(s model.Signal) bool { return s.Code == model.SignalLate }), late)
	return true
}

// heardMinutes are the minutes, by Unix time, of which a vantage has delivered results.
type heardMinutes map[int64]struct{}

func minuteOf(at time.Time) int64 { return at.Unix() / 60 }

// note notes that a vantage has delivered a result. The caller holds mu.
func (m *probeMap) note(vantage string, at time.Time) {
	last, known := m.heard[vantage]
	if !known && len(m.heard) >= maxVantages {
		return
	}
	if at.After(last) {
		m.heard[vantage] = at
	}
	if m.minutes[vantage] == nil {
		m.minutes[vantage] = heardMinutes{}
	}
	m.minutes[vantage][minuteOf(at)] = struct{}{}
}

// forgetMinutes forgets the minutes of long ago. The caller holds mu.
func (m *probeMap) forgetMinutes(now time.Time) {
	oldest := minuteOf(now.Add(-2 * probeForget))
	for _, minutes := range m.minutes {
		maps.DeleteFunc(minutes, func(minute int64, _ struct{}) bool { return minute < oldest })
	}
}

// lastOf returns when the newest result of a vantage is from.
func (m *probeMap) lastOf(vantage string) (at time.Time, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, known = m.heard[vantage]
	return at, known
}

// minutesOf returns how many of the whole minutes between two times have results of a vantage.
func (m *probeMap) minutesOf(vantage string, from, to time.Time) (heard, all int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for minute := minuteOf(from) + 1; minute < minuteOf(to); minute++ {
		if all++; m.hears(vantage, minute) {
			heard++
		}
	}
	return heard, all
}

// hears reports whether there are results of a minute. The caller holds mu.
func (m *probeMap) hears(vantage string, minute int64) bool {
	_, ok := m.minutes[vantage][minute]
	return ok
}
