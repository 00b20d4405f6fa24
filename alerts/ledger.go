package alerts

import (
	"slices"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// Ledger is where several Notifiers, each of a detector of its own, agree who of them tells of a
// fault. They must have the same receivers.
type Ledger interface {
	// Agree is given the incidents that concern receivers, about once a second, and returns what is
	// known of them, by key. It does not block: an answer may come with a later call. Faults that
	// it is not given any more are over, or nobody is to be told of them. If there is no answer any
	// more where there was one, another Notifier may have taken over, or the one that told may be
	// gone.
	Agree(faults []Fault) map[string]Standing
}

// Fault is an incident as a Notifier shows it to a [Ledger].
type Fault struct {
	Key      string // of its alert
	Incident string // its number in the alert's labels
	App      string
	Target   string
	Scope    model.Scope
	Severity Severity
	Since    time.Time
	Until    time.Time // zero while it is open
	Told     []string  // names of receivers that were told of it
}

// Standing is what a [Ledger] knows of a fault. Absent ones are not decided yet.
type Standing struct {
	Own  bool     // this Notifier tells of it; otherwise another one does
	Told []string // names of receivers that know of it
	// What follows is set if this Notifier does, and is another's if that one has told of the fault
	// before. It is then told under the same key.

	Key      string
	Incident string
}

// The standing of an entry, as it is stored.
const (
	standingOwn   = "own"
	standingOther = "other"
)

// ledgerWait is how long an answer of the ledger is waited for. Then receivers are told anyway,
// because two alerts of a fault are better than none.
const ledgerWait = 5 * time.Second

// toldWithin is how long it takes another Notifier at most to tell receivers of what it tells of.
// Those that are told again and again are in no record.
const toldWithin = 30 * time.Second

// agree asks the ledger who tells of what, and follows its answer.
func (n *Notifier) agree(s *Settings, now time.Time) {
	if n.o.Ledger == nil {
		return
	}
	var faults []Fault
	for key, e := range n.book.Entries {
		if e.Scope == nil {
			continue // a problem of this process, or of an older release
		}
		if e.asked.IsZero() && (e.Standing == standingOwn || n.book.wants(e, s, now)) {
			e.asked = now
		}
		if !e.asked.IsZero() || e.Standing != "" {
			faults = append(faults, e.fault(key, n.book.knows(key)))
		}
	}
	answers := n.o.Ledger.Agree(faults)
	for _, f := range faults {
		if _, decided := answers[f.Key]; !decided {
			n.unsaved = n.book.Entries[f.Key].doubt(now) || n.unsaved
		}
	}
	for key, standing := range answers {
		e := n.book.Entries[key]
		other := e != nil && e.Standing == standingOther
		n.unsaved = n.book.follow(key, standing, s.Receivers, now) || n.unsaved
		if e != nil && e.Standing == standingOther && !other {
			n.record(e, now, model.MilestoneElsewhere, "", "")
		}
	}
	for _, e := range n.book.Entries {
		if e.Standing != standingOther && !e.sure && !e.alone && !e.asked.IsZero() && now.Sub(e.asked) >= ledgerWait {
			e.alone = true
			n.metrics.alone.Inc()
			n.log.Warn("the ledger does not say who tells of an incident: this detector does", "incident", e.Incident)
		}
	}
}

// doubt takes it that the ledger answers no more about an entry, and reports whether that changes
// what is stored. The entry is then as at first: the ledger is asked, and is not waited for long.
// What another Notifier tells of stays with that, unless nobody knew of it yet: that one may be
// gone with the ledger.
func (e *entry) doubt(now time.Time) (changed bool) {
	switch {
	case e.Standing == standingOwn && e.sure:
		e.sure, e.alone, e.asked = false, false, now
	case e.Standing == standingOther && !e.Known && e.Alert.Status == Firing:
		e.Standing, e.alone, e.asked, e.other = "", false, now, time.Time{}
		return true
	}
	return false
}

// fault returns what the ledger is told of an entry.
func (e *entry) fault(key string, told []string) Fault {
	l := e.Alert.Labels
	return Fault{Key: key, Incident: l["incident"], App: l["app"], Target: l["target"], Scope: *e.Scope, Severity: e.Alert.Severity, Since: e.Alert.StartsAt,
		Until: e.Alert.EndsAt, Told: told}
}

// wants reports whether a receiver would be told of an entry now.
func (b *book) wants(e *entry, s *Settings, now time.Time) bool {
	return slices.ContainsFunc(s.Receivers, func(r Receiver) bool {
		if r.Refresh > 0 {
			return e.concerns(&r) && e.Alert.Status == Firing && now.Sub(e.Noticed) >= e.lasting(s)
		}
		return b.due(e, &r, s, now)
	})
}

// knows returns the receivers that were told of an alert.
func (b *book) knows(key string) (names []string) {
	for name, l := range b.Receivers {
		if _, told := l.Told[key]; told {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// mayTell reports whether this Notifier tells a receiver of an entry. What the ledger said before a
// restart must be confirmed, because another one may have taken over meanwhile.
func (b *book) mayTell(e *entry, receiver string) bool {
	switch {
	case !b.shared || e.Scope == nil:
		return true
	case e.Standing == standingOther:
		return false
	case e.Standing == standingOwn:
		return e.sure || e.alone
	case e.alone:
		return true
	default: // what was told before there was a ledger goes on
		_, told := b.ledger(receiver).Told[e.Alert.Key]
		return told
	}
}

// mayDeliver reports whether this Notifier tells a receiver of all that is in a message.
func (b *book) mayDeliver(m *Message) bool {
	return !slices.ContainsFunc(m.Alerts, func(a Alert) bool {
		e := b.Entries[a.Key]
		return e != nil && !b.mayTell(e, m.Receiver)
	})
}

// follow takes the ledger's answer about an entry, and reports whether that changes anything.
func (b *book) follow(key string, to Standing, receivers []Receiver, now time.Time) (changed bool) {
	e := b.Entries[key]
	if e == nil {
		return false
	}
	if !to.Own {
		if e.Standing == "" && len(b.knows(key)) > 0 {
			return false // the ledger did not know yet that receivers were told
		}
		if e.other.IsZero() {
			e.other = now
		}
		if !e.Known && (len(to.Told) > 0 || now.Sub(e.other) >= toldWithin) {
			e.Known, changed = true, true
		}
		if e.Standing != standingOther {
			e.Standing, changed = standingOther, true
			for _, l := range b.Receivers { // the other one tells how it goes on
				delete(l.Told, key)
				if l.Pending != nil && slices.ContainsFunc(l.Pending.Alerts, func(a Alert) bool { return a.Key == key }) {
					l.Pending, l.Gists = nil, nil // what else is in it is due again
				}
			}
		}
		return changed
	}
	changed = e.Standing != standingOwn || to.Key != key || e.Known
	e.Standing, e.sure, e.Known, e.other = standingOwn, true, false, time.Time{}
	if to.Key != key {
		b.rename(key, e, &to)
	}
	for _, name := range to.Told {
		if !slices.ContainsFunc(receivers, func(r Receiver) bool { return r.Name == name && r.Refresh == 0 }) {
			continue
		}
		if l := b.ledger(name); l.Told[e.Alert.Key] == (told{}) {
			l.Told[e.Alert.Key] = told{At: now, Status: Firing, Gist: e.Gist}
			changed = true
		}
	}
	return changed
}

// rename continues another Notifier's alert with an entry.
func (b *book) rename(key string, e *entry, to *Standing) {
	delete(b.Entries, key)
	b.Entries[to.Key] = e
	if b.Keys == nil {
		b.Keys = map[string]string{}
	}
	b.Keys[strconv.FormatInt(e.Incident, 10)] = to.Key
	e.Number, e.Alert.Key, e.Former = to.Incident, to.Key, nil
	e.Alert.Labels["incident"] = to.Incident
}

// key returns the key of an incident's alert.
func (b *book) key(incident int64) string {
	number := strconv.FormatInt(incident, 10)
	if key, renamed := b.Keys[number]; renamed {
		return key
	}
	return "heliograph/" + b.Instance + "/" + number
}
