package alerts

import (
	"crypto/rand"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// problemsFor is how long a problem of Heliograph itself must last before receivers are told of it.
// Most problems end by themselves.
const problemsFor = 2 * time.Minute

// lasting returns how long an entry must last before receivers are told of it.
func (e *entry) lasting(s *Settings) time.Duration {
	if e.Alert.Labels["alertname"] == NameProblem {
		return problemsFor
	}
	return s.For
}

// concerns reports whether a receiver is told of an entry at all.
func (e *entry) concerns(r *Receiver) bool {
	severity := e.Alert.Severity
	if e.Past {
		severity = Info
	}
	return severity.rank() >= r.Least.rank() && !(e.Asleep && r.Wakes)
}

// due reports whether a receiver without Refresh must be told of an entry now.
func (b *book) due(e *entry, r *Receiver, s *Settings, now time.Time) bool {
	last, known := b.ledger(r.Name).Told[e.Alert.Key]
	knowsFiring := known && last.Status == Firing
	switch {
	case e.Alert.Severity != Critical && r.Quiet.Covers(now):
		return false
	case e.Alert.Status == Resolved && knowsFiring:
		return true
	case e.Alert.Status == Resolved:
		lasted := e.Alert.EndsAt.Sub(e.Alert.StartsAt)
		return !known && e.concerns(r) && !r.Wakes && lasted >= e.lasting(s) && now.Sub(e.Alert.EndsAt) <= remembered && !b.muted(e) && !e.holds(e.Alert.EndsAt)
	case e.holds(now):
		return false
	case knowsFiring:
		since := now.Sub(last.At)
		return last.At.Before(e.mute.Until) || !e.taken && since >= s.Repeat || last.Gist != e.Gist && since >= s.Update
	default:
		return e.concerns(r) && now.Sub(e.Noticed) >= e.lasting(s) && !b.muted(e)
	}
}

// muted reports whether another entry covers this one: a service that is down mutes the alerts
// about parts of it, but for those that fail wholly where the service fails in part.
func (b *book) muted(e *entry) bool {
	is := e.Alert.Labels
	if is["target"] == "" || is["inside"] != "" || is["verdict"] == string(model.ServiceDown) {
		return false
	}
	for _, o := range b.Entries {
		of := o.Alert.Labels
		if o.Alert.Status == Firing && of["verdict"] == string(model.ServiceDown) && of["app"] == is["app"] && of["target"] == is["target"] {
			return true
		}
	}
	return false
}

// compose returns the message that a receiver must get now, and records it as pending. It returns
// nil if nothing is due.
func (b *book) compose(r *Receiver, s *Settings, now time.Time) *Message {
	m, gists := &Message{Receiver: r.Name, Made: now, Page: s.Page}, map[string]string{}
	for _, e := range b.sorted() {
		if b.mayTell(e, r.Name) && b.due(e, r, s, now) {
			m.Alerts = append(m.Alerts, e.Alert)
			gists[e.Alert.Key] = e.Gist
		}
	}
	if len(m.Alerts) == 0 {
		return nil
	}
	m.ID = rand.Text()
	l := b.ledger(r.Name)
	l.Pending, l.Gists = m, gists
	return m
}

// delivered records that a receiver has its pending message.
func (b *book) delivered(name string, now time.Time) {
	l := b.ledger(name)
	if l.Pending == nil {
		return
	}
	for i := range l.Pending.Alerts {
		a := &l.Pending.Alerts[i]
		l.Told[a.Key] = told{At: now, Status: a.Status, Gist: l.Gists[a.Key]}
	}
	l.Pending, l.Gists = nil, nil
}

// outdated reports whether a pending message has a firing alert that is over by now.
func (b *book) outdated(m *Message) bool {
	return slices.ContainsFunc(m.Alerts, func(a Alert) bool {
		e := b.Entries[a.Key]
		return e == nil || e.Alert.Status != a.Status
	})
}

// abandon gives up a pending message, so that a new one is composed. The old message may have been
// delivered nevertheless. If one of its firing alerts is over by now, the receiver will be told so.
func (b *book) abandon(name string, now time.Time) {
	l := b.ledger(name)
	for _, a := range l.Pending.Alerts {
		if e := b.Entries[a.Key]; a.Status == Firing && e != nil && e.Alert.Status == Resolved {
			l.Told[a.Key] = told{At: now, Status: Firing}
		}
	}
	l.Pending, l.Gists = nil, nil
}

// everything returns the alerts that a receiver with Refresh is sent: those that are firing, and
// those that were resolved recently.
func (b *book) everything(r *Receiver, s *Settings, now time.Time) (all []Alert) {
	for _, e := range b.sorted() {
		if !b.mayTell(e, r.Name) {
			continue
		}
		for _, f := range e.Former {
			if e.concerns(r) {
				all = append(all, f)
			}
		}
		switch lasted := now.Sub(e.Noticed); {
		case !e.concerns(r):
		case e.Alert.Status == Firing && lasted >= e.lasting(s):
			all = append(all, e.withMute())
		case e.Alert.Status == Resolved && now.Sub(e.Alert.EndsAt) <= remembered:
			all = append(all, e.withMute())
		}
	}
	return all
}

// watchdog returns the alert that always fires.
func watchdog(s *Settings, instance string, since time.Time) Alert {
	return Alert{
		Key: "heliograph/" + instance + "/watchdog", Status: Firing, Severity: Info, StartsAt: since, Link: s.Page,
		Labels:  map[string]string{"alertname": NameWatchdog, "severity": "none"},
		Summary: "Heliograph watches and can tell",
		Why:     []string{"This alert always fires. When it is missing, the way from Heliograph to you is broken, or Heliograph does not run."},
	}
}
