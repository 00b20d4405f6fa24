package natsledger

import (
	"maps"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
)

const (
	// beatEvery is how often an owner renews its faults, and silent is how long one that is gone
	// does not.
	beatEvery = 5 * time.Second
	silent    = 15 * time.Second
	// longestLook is how long a look at a page lasts: what was not looked at for longer, because
	// the ledger could not be reached or this process stood still, is not silence. Its owner may
	// have been cut off, too, and has its time to renew its faults.
	longestLook = beatEvery
	// kept is how long after its end a fault stays in its page while that is looked at, and
	// abandoned is how long one does that nobody renews.
	kept      = 30 * time.Minute
	abandoned = time.Hour
	// pressing is how long an incident must be more urgent than another detector tells before
	// people are told of it again.
	pressing = 30 * time.Second
)

// seen is when a fault of the ledger was last seen to change, by the monotonic clock.
type seen struct {
	alive time.Time // as the fault says
	at    time.Time
	ended time.Time // when it was first seen to be over; zero while it is not
}

// view is what one detector knows of one page.
type view struct {
	member string
	as     map[string]string    // the ledger's key of a fault, by the incident's key
	seen   map[string]seen      // by the ledger's key
	urgent map[string]time.Time // since when an incident is more urgent than its owner tells
	apart  map[string]bool      // incidents that another one tells of under another key, too
	beaten time.Time            // when this detector's faults in it were last renewed
	looked time.Time            // when the page was last looked at
}

func newView(member string) *view {
	return &view{member: member, as: map[string]string{}, seen: map[string]seen{}, urgent: map[string]time.Time{}, apart: map[string]bool{}}
}

// clone returns a copy of a view.
func (v *view) clone() *view {
	return &view{v.member, maps.Clone(v.as), maps.Clone(v.seen), maps.Clone(v.urgent), maps.Clone(v.apart), v.beaten, v.looked}
}

// outcome counts what settling has decided.
type outcome struct{ claimed, elsewhere, adopted, apart int }

// settle decides who tells of incidents of a page's target, and changes the page accordingly.
// Nothing of it is valid unless the page, if it has changed, is stored.
func (v *view) settle(p *page, incidents []alerts.Fault, now time.Time) (standings map[string]alerts.Standing, changed bool, o outcome) {
	v.look(p, now)
	standings = map[string]alerts.Standing{}
	beat := now.Sub(v.beaten) >= beatEvery
	for i := range incidents {
		in := &incidents[i]
		f, renew := v.match(p, in, incidents, now), beat
		switch {
		case f == nil && len(p.Faults) >= maxFaults && !v.makeRoom(p, incidents, now):
			continue // it is told alone
		case f == nil:
			f = &fault{Key: in.Key, Incident: in.Incident, Owner: v.member}
			p.Faults, renew = append(p.Faults, f), true
			o.claimed++
		case f.Owner != v.member && f.Key != in.Key && len(in.Told) > 0:
			// both have told, because the ledger was not there: each ends its own
			if standings[in.Key] = own(in.Key, in.Incident, nil); !v.apart[in.Key] {
				v.apart[in.Key] = true
				o.apart++
			}
			continue
		case f.Owner != v.member && f.Until.IsZero() && now.Sub(v.seen[f.Key].at) >= silent:
			f.Owner, renew = v.member, true
			o.adopted++
		case f.Owner != v.member:
			if v.as[in.Key] != f.Key {
				o.elsewhere++
			}
			standings[in.Key], v.as[in.Key] = alerts.Standing{Told: slices.Clone(f.Told)}, f.Key
			continue
		}
		v.as[in.Key] = f.Key
		if f.update(in) || renew {
			f.Alive, changed = now.Round(0), true
		}
		standings[in.Key] = own(f.Key, f.Incident, f.Told)
	}
	if changed {
		v.tidy(p, now)
	}
	return standings, changed, o
}

func own(key, incident string, told []string) alerts.Standing {
	return alerts.Standing{Own: true, Key: key, Incident: incident, Told: told}
}

// tidy removes faults that nobody needs any more.
func (v *view) tidy(p *page, now time.Time) {
	p.Faults = slices.DeleteFunc(p.Faults, func(f *fault) bool {
		s, known := v.seen[f.Key]
		return known && (!s.ended.IsZero() && now.Sub(s.ended) > kept || now.Sub(s.at) > abandoned && f.Owner != v.member)
	})
}

// makeRoom removes a fault from a full page that is none of incidents, and reports whether there
// was one: the one that ended first, or else the oldest whose owner is gone. A page is looked at
// only while there are incidents, so those of a target that comes and goes would fill it.
func (v *view) makeRoom(p *page, incidents []alerts.Fault, now time.Time) bool {
	needed := v.needed(incidents)
	least := -1
	for i, f := range p.Faults {
		switch {
		case needed[f.Key], f.Until.IsZero() && (f.Owner == v.member || now.Sub(v.seen[f.Key].at) < silent):
		case least < 0 || f.before(p.Faults[least]):
			least = i
		}
	}
	if least < 0 {
		return false
	}
	p.Faults = slices.Delete(p.Faults, least, least+1)
	return true
}

// before reports whether a fault is removed before another one: those that are over are, by their
// end, and the others by their last sign of life.
func (f *fault) before(o *fault) bool {
	switch {
	case f.Until.IsZero() != o.Until.IsZero():
		return !f.Until.IsZero()
	case f.Until.IsZero():
		return f.Alive.Before(o.Alive)
	}
	return f.Until.Before(o.Until)
}

// needed returns the ledger's keys of incidents.
func (v *view) needed(incidents []alerts.Fault) map[string]bool {
	keys := map[string]bool{}
	for i := range incidents {
		keys[incidents[i].Key], keys[v.as[incidents[i].Key]] = true, true
	}
	return keys
}

// look notices which faults have changed.
func (v *view) look(p *page, now time.Time) {
	unseen := time.Duration(0)
	if !v.looked.IsZero() {
		unseen = max(now.Sub(v.looked)-longestLook, 0)
	}
	v.looked = now
	for _, f := range p.Faults {
		s, known := v.seen[f.Key]
		s.at = s.at.Add(unseen)
		if !known || !s.alive.Equal(f.Alive) {
			s.alive, s.at = f.Alive, now
		}
		switch {
		case f.Until.IsZero():
			s.ended = time.Time{}
		case s.ended.IsZero():
			s.ended = now
		}
		v.seen[f.Key] = s
	}
	for key := range v.seen {
		if p.find(key) == nil {
			delete(v.seen, key)
		}
	}
}

// match returns the fault of the ledger that an incident is, or nil. Two incidents of one detector
// are never the same fault.
func (v *view) match(p *page, in *alerts.Fault, all []alerts.Fault, now time.Time) *fault {
	for _, key := range []string{in.Key, v.as[in.Key]} {
		if f := p.find(key); f != nil && !v.over(f, in, now) {
			return f
		}
	}
	delete(v.as, in.Key)
	taken := v.needed(all)
	for _, f := range p.Faults {
		if taken[f.Key] || !f.same(in) || v.over(f, in, now) || f.Owner == v.member && !f.Until.IsZero() {
			continue
		}
		return f
	}
	return nil
}

// over reports whether another detector's word on a fault is not enough for an incident any more:
// the fault has ended there for some time and goes on here, or people were told less urgently.
func (v *view) over(f *fault, in *alerts.Fault, now time.Time) bool {
	if f.Owner == v.member || !in.Until.IsZero() {
		return false
	}
	if ended := v.seen[f.Key].ended; !ended.IsZero() {
		return now.Sub(ended) > lasting
	}
	if urgency(f.Severity) >= urgency(in.Severity) {
		delete(v.urgent, in.Key)
		return false
	}
	if _, known := v.urgent[in.Key]; !known {
		v.urgent[in.Key] = now
	}
	return now.Sub(v.urgent[in.Key]) > pressing
}

// update brings a fault up to date with its owner's incident, and reports whether it has changed.
func (f *fault) update(in *alerts.Fault) (changed bool) {
	told := slices.Clone(f.Told)
	for _, name := range in.Told {
		if !slices.Contains(told, name) {
			told = append(told, name)
		}
	}
	slices.Sort(told)
	changed = f.Severity != in.Severity || !f.Scope.Equal(in.Scope) || !f.Since.Equal(in.Since) || !f.Until.Equal(in.Until) || !slices.Equal(f.Told, told)
	f.Severity, f.Scope, f.Since, f.Until, f.Told = in.Severity, in.Scope.Clone(), in.Since, in.Until, told
	return changed
}
