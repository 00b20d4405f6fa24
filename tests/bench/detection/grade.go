package detection

import (
	"slices"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/simulate"
)

// after is how long after a fault's end an incident may still be about it, in ms. Reports of the
// last minute are still on their way then.
const after = 5 * 60_000

// Grade is what became of one fault, or, without one, of a whole run.
type Grade struct {
	Truth simulate.Truth
	Paged bool // people were told in time
	// ms from the fault to that; without a page from the fault to the first event
	Delay     int64
	Opened    bool            // there was an incident, paging or not
	Exact     bool            // the first page named exactly who is hit
	ExactEver bool            // the last word while the fault lasted did
	Verdict   bool            // the first page's verdict was right
	LastRight bool            // the last word's verdict was right
	Incidents int             // distinct ones
	Events    int             // of those
	Onset     int64           // error of the last word's onset, ms
	First     judgement.Event // the first page
	Said      judgement.Event // the last word: of the incident that people were told of, if any
}

// grades judges the events of a run by the truth, and counts the pages that are about no fault.
func grades(events []judgement.Event, truths []simulate.Truth) (all []Grade, falsePages []judgement.Event) {
	belongs := map[judgement.ID]bool{}
	for _, t := range truths {
		all = append(all, grade(of(events, &t, truths), t, belongs))
	}
	paged := map[judgement.ID]bool{}
	for _, e := range events {
		if e.Page && !paged[e.ID] && (!belongs[e.ID] || !mayPage(e, truths)) {
			paged[e.ID] = true
			falsePages = append(falsePages, e)
		}
	}
	return all, falsePages
}

// mayPage reports whether there is a fault about which people are to be told now.
func mayPage(e judgement.Event, truths []simulate.Truth) bool {
	return slices.ContainsFunc(truths, func(t simulate.Truth) bool {
		return about(&e, &t) && t.Verdict != string(model.LastMile) && t.Verdict != string(model.Forged)
	})
}

// about reports whether an incident overlaps a fault.
func about(e *judgement.Event, t *simulate.Truth) bool {
	return e.Judged >= t.Start && e.Onset <= t.End+after && (e.Until == 0 || e.Until >= t.Start) && e.Onset >= t.Start-10*60_000
}

// of leaves out what is about another of several truths: what is told as forged is about a flood,
// if there is one, and all else about a fault; and what names exactly whom another fault hits at
// last is about that one.
func of(events []judgement.Event, t *simulate.Truth, truths []simulate.Truth) []judgement.Event {
	other := map[judgement.ID]bool{}
	for _, e := range events {
		other[e.ID] = len(e.Scope) > 0 && !exact(&e.Scope[0], &t.Scope) && slices.ContainsFunc(truths, func(o simulate.Truth) bool {
			return o.Verdict != string(model.Forged) && about(&e, &o) && exact(&e.Scope[0], &o.Scope)
		})
	}
	events = slices.DeleteFunc(slices.Clone(events), func(e judgement.Event) bool { return other[e.ID] })
	forged := func(verdict string) bool { return verdict == string(model.Forged) }
	if !slices.ContainsFunc(truths, func(o simulate.Truth) bool { return forged(o.Verdict) != forged(t.Verdict) }) {
		return events
	}
	last := map[judgement.ID]bool{} // by incident, whether its last word is that it is forged
	for _, e := range events {
		last[e.ID] = forged(string(e.Verdict))
	}
	return slices.DeleteFunc(slices.Clone(events), func(e judgement.Event) bool { return last[e.ID] != forged(t.Verdict) })
}

func grade(events []judgement.Event, t simulate.Truth, belongs map[judgement.ID]bool) Grade {
	g := Grade{Truth: t}
	seen := map[judgement.ID]bool{}
	main := judgement.ID(0) // the incident that people were told of first
	for _, e := range events {
		if !about(&e, &t) {
			continue
		}
		belongs[e.ID] = true
		if !seen[e.ID] {
			seen[e.ID] = true
			g.Incidents++
		}
		g.Events++
		if !g.Opened {
			g.Opened, g.Delay = true, e.Judged-t.Start
		}
		if e.Page && !g.Paged && e.Judged <= t.End+after {
			g.Paged, g.Delay = true, e.Judged-t.Start
			main, g.First, g.Said = e.ID, e, e
			g.Exact = len(e.Scope) > 0 && exact(&e.Scope[0], &t.Scope)
			g.Verdict = string(e.Verdict) == t.Verdict
		}
		if (main == 0 || e.ID == main) && (e.Kind != judgement.Cleared && (e.Judged <= t.End || g.Said.ID == 0) || e.Late) {
			g.Said = e
		}
	}
	if g.Opened {
		g.ExactEver = len(g.Said.Scope) > 0 && exact(&g.Said.Scope[0], &t.Scope)
		g.LastRight = string(g.Said.Verdict) == t.Verdict
		g.Onset = g.Said.Onset - t.Start
	}
	return g
}

// peerDelay is how long after the fault a rule first alarmed about it, in ms; ok is false if never.
func peerDelay(alarms []firing, t *simulate.Truth) (delay int64, ok bool) {
	for _, f := range alarms {
		if f.at >= t.Start && f.at <= t.End+after && names(&t.Scope, f.key) {
			return f.at - t.Start, true
		}
	}
	return 0, false
}

// peerFalse counts the alarms of a rule outside of all faults.
func peerFalse(alarms []firing, truths []simulate.Truth) (n int) {
	for _, f := range alarms {
		if !slices.ContainsFunc(truths, func(t simulate.Truth) bool { return f.at >= t.Start && f.at <= t.End+after }) {
			n++
		}
	}
	return n
}
