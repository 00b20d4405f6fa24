package alerts

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// bookVersion is the version of a book's stored form. A change that an older release would misread
// requires a new one.
const bookVersion = 1

// remembered is how long receivers can still be told that an alert is resolved. Prometheus sends
// resolved alerts to Alertmanager for the same time. An alert that ended earlier and was never sent
// is no longer sent.
const remembered = 15 * time.Minute

// book is what a Notifier must remember: the alerts, and what each receiver was told. It is stored
// as JSON whenever it changes.
type book struct {
	Version  int    `json:"v"`
	Instance string `json:"instance"` // random; distinguishes the keys of this store from others
	// Entries maps the keys of alerts to their entries.
	Entries   map[string]*entry  `json:"entries,omitempty"`
	Receivers map[string]*ledger `json:"receivers,omitempty"` // by name
	// Keys are those of alerts that continue another Notifier's, by incident.
	Keys map[string]string `json:"keys,omitempty"`

	shared bool // there is a Ledger
}

// entry is an alert that is firing, or whose end not all receivers know yet.
type entry struct {
	Alert   Alert     `json:"alert"`
	Noticed time.Time `json:"noticed"`        // when it was detected; For counts from then
	Gist    string    `json:"gist,omitempty"` // see gist
	// Past says that it is told by reports of the past, or was over when it was detected. It must
	// not wake people.
	Past bool `json:"past,omitempty"`
	// Asleep says that the incident is not to wake people, whatever receivers are told of.
	Asleep bool `json:"asleep,omitempty"`
	// Former has the alert with each set of labels that it had before, resolved when they changed.
	// To Alertmanager, an alert with other labels is another alert.
	Former []Alert `json:"former,omitempty"`

	// its ID in the store; 0: a problem, or of an older release
	Incident int64        `json:"incident,omitempty"`
	Scope    *model.Scope `json:"scope,omitempty"`    // of the incident; nil likewise
	Standing string       `json:"standing,omitempty"` // what the Ledger says; "": nothing yet
	Known    bool         `json:"known,omitempty"`    // another Notifier has told receivers of it
	// Number is the incident's in the labels, if the alert continues another Notifier's.
	Number string `json:"number,omitempty"`

	// Recorded is what milestones of the incident last said, by receiver.
	Recorded map[string]recorded `json:"recorded,omitempty"`

	mute      Mute      // of the incident; known anew after a start
	muteKnown bool      // whether it is
	taken     bool      // somebody has acknowledged the incident; known anew after a start
	asked     time.Time // when the Ledger was first asked; likewise
	sure      bool      // it has answered; likewise
	alone     bool      // it has not answered in time; likewise
	other     time.Time // since when another one tells of it; likewise
}

// ledger records what one receiver was told.
type ledger struct {
	Told map[string]told `json:"told,omitempty"` // by the alert's key
	// the message to deliver; it may have been delivered already
	Pending *Message `json:"pending,omitempty"`
	// Gists are the gists of the alerts in Pending when it was composed, by key.
	Gists map[string]string `json:"gists,omitempty"`
}

// told is what a receiver was last told about an alert.
type told struct {
	At     time.Time `json:"at"`
	Status Status    `json:"status"`
	Gist   string    `json:"gist,omitempty"`
}

func newBook() *book {
	return &book{Version: bookVersion, Instance: rand.Text()[:12], Entries: map[string]*entry{}, Receivers: map[string]*ledger{}}
}

// readBook reads a stored book. If text is empty, it returns a new one.
func readBook(text []byte) (*book, error) {
	if len(text) == 0 {
		return newBook(), nil
	}
	b := newBook()
	if err := json.Unmarshal(text, b); err != nil {
		return nil, fmt.Errorf("reading what was told to whom: %w", err)
	}
	if b.Version != bookVersion {
		return nil, fmt.Errorf("reading what was told to whom: version %d is not of this release", b.Version)
	}
	return b, nil
}

func (b *book) text() ([]byte, error) { return json.Marshal(b) }

// take brings the alert of an event's incident up to date.
func (b *book) take(e *Event, s *Settings) {
	key := b.key(e.Incident.ID)
	alert := incidentAlert(key, &e.Incident, s)
	scope := e.Incident.Scope.Clone()
	old := b.Entries[key]
	if old == nil {
		if !e.Incident.Open() && e.Kind != model.Opened {
			return // its end was already told, or is too long ago
		}
		b.Entries[key] = &entry{Alert: alert, Noticed: e.Bin, Gist: gist(&e.Incident), Past: e.Incident.Late || !e.Incident.Open(), Asleep: !e.Incident.Pages(),
			Incident: e.Incident.ID, Scope: &scope}
		return
	}
	if old.Number != "" {
		alert.Labels["incident"] = old.Number
	}
	old.Incident, old.Scope = e.Incident.ID, &scope
	old.replace(alert, e.Bin)
	old.Asleep = !e.Incident.Pages()
	old.Gist, old.Past = gist(&e.Incident), e.Incident.Late || old.Past && !e.Incident.Open()
}

// replace updates the entry's alert.
func (e *entry) replace(a Alert, now time.Time) {
	if !maps.Equal(a.Labels, e.Alert.Labels) && e.Alert.Status == Firing {
		former := e.Alert
		former.Status, former.EndsAt = Resolved, now
		e.Former = slices.DeleteFunc(e.Former, func(f Alert) bool { return maps.Equal(f.Labels, a.Labels) })
		e.Former = append(e.Former, former)
	}
	e.Alert = a
}

// problems brings the alerts of Heliograph's own problems up to date and reports whether anything
// has changed.
func (b *book) problems(now time.Time, found map[string]string, s *Settings) (changed bool) {
	for name, text := range found {
		key := fmt.Sprintf("heliograph/%s/problem/%s", b.Instance, name)
		if old := b.Entries[key]; old != nil && old.Alert.Status == Firing {
			continue // keeps the first text, because numbers in it may change
		}
		b.Entries[key] = &entry{Noticed: now, Alert: Alert{
			Key: key, Status: Firing, Severity: Warning, Summary: text, StartsAt: now, Link: s.Page,
			Labels: map[string]string{"alertname": NameProblem, "severity": string(Warning), "problem": name},
		}}
		changed = true
	}
	for _, e := range b.Entries {
		if name, is := e.Alert.Labels["problem"]; is && e.Alert.Status == Firing {
			if _, still := found[name]; !still {
				e.Alert.Status, e.Alert.EndsAt = Resolved, now
				changed = true
			}
		}
	}
	return changed
}

// sorted returns the entries, the oldest first.
func (b *book) sorted() []*entry {
	return slices.SortedFunc(maps.Values(b.Entries), func(x, y *entry) int {
		return cmp.Or(x.Alert.StartsAt.Compare(y.Alert.StartsAt), cmp.Compare(x.Alert.Key, y.Alert.Key))
	})
}

// ledger returns the ledger of a receiver and creates it if needed.
func (b *book) ledger(name string) *ledger {
	l := b.Receivers[name]
	if l == nil {
		l = new(ledger)
		b.Receivers[name] = l
	}
	if l.Told == nil {
		l.Told = map[string]told{}
	}
	return l
}

// tidy removes alerts that no receiver needs to be told of any more, and receivers that are no
// longer configured. It reports whether it removed anything.
func (b *book) tidy(now time.Time, receivers []Receiver) (changed bool) {
	maps.DeleteFunc(b.Receivers, func(name string, _ *ledger) bool {
		gone := !slices.ContainsFunc(receivers, func(r Receiver) bool { return r.Name == name })
		changed = changed || gone
		return gone
	})
	for key, e := range b.Entries {
		kept := slices.DeleteFunc(e.Former, func(f Alert) bool { return now.Sub(f.EndsAt) > remembered })
		changed = changed || len(kept) != len(e.Former)
		e.Former = kept
		if e.Alert.Status == Firing || now.Sub(e.Alert.EndsAt) <= remembered || b.owed(key) {
			continue
		}
		delete(b.Entries, key)
		maps.DeleteFunc(b.Keys, func(_, to string) bool { return to == key })
		for _, l := range b.Receivers {
			delete(l.Told, key)
		}
		changed = true
	}
	return changed
}

// owed reports whether a receiver knows an alert as firing, or might.
func (b *book) owed(key string) bool {
	for _, l := range b.Receivers {
		if l.Told[key].Status == Firing {
			return true
		}
		if l.Pending != nil && slices.ContainsFunc(l.Pending.Alerts, func(a Alert) bool { return a.Key == key }) {
			return true
		}
	}
	return false
}
