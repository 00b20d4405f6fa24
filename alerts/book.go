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

// bookVersion is the version of a book as it is stored. A change that an older release would
// misread takes a new one.
const bookVersion = 1

// remembered is how long what is over can still be told: Prometheus, too, sends resolved alerts to
// Alertmanager for so long. What ended longer ago and was never told is not told any more.
const remembered = 15 * time.Minute

// book is what a Notifier must remember: which alerts there are, and what was told to whom. It is
// stored as JSON whenever it has changed.
type book struct {
	Version  int    `json:"v"`
	Instance string `json:"instance"` // random; makes the keys of this store its own
	// Entries are by the keys of their alerts.
	Entries   map[string]*entry  `json:"entries,omitempty"`
	Receivers map[string]*ledger `json:"receivers,omitempty"` // by name
}

// entry is an alert that there is, or that has not been told to be over everywhere.
type entry struct {
	Alert   Alert     `json:"alert"`
	Noticed time.Time `json:"noticed"`        // when it was found; For counts from then
	Gist    string    `json:"gist,omitempty"` // what an operator would act on
	// Past: it was over when it was found, in data that came late. It is nothing to wake people.
	Past bool `json:"past,omitempty"`
	// Former are the alert with the labels that it had, over since these changed: in Alertmanager
	// they are another one.
	Former []Alert `json:"former,omitempty"`
}

// ledger is what was told to one receiver.
type ledger struct {
	Told    map[string]told `json:"told,omitempty"`    // by key
	Pending *Message        `json:"pending,omitempty"` // it may have been delivered
	// Gists are those of the entries that Pending tells of, by key.
	Gists map[string]string `json:"gists,omitempty"`
}

// told is the last that a receiver was told of an alert.
type told struct {
	At     time.Time `json:"at"`
	Status Status    `json:"status"`
	Gist   string    `json:"gist,omitempty"`
}

func newBook() *book {
	return &book{Version: bookVersion, Instance: rand.Text()[:12], Entries: map[string]*entry{}, Receivers: map[string]*ledger{}}
}

// readBook reads a book as it was stored; of nothing it makes a new one.
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
	key := fmt.Sprintf("heliograph/%s/%d", b.Instance, e.Incident.ID)
	alert := incidentAlert(key, &e.Incident, s)
	old := b.Entries[key]
	if old == nil {
		if !e.Incident.Open() && e.Kind != model.Opened {
			return // its beginning was told, and its end, or both were too long ago
		}
		b.Entries[key] = &entry{Alert: alert, Noticed: e.Bin, Gist: gist(&e.Incident), Past: !e.Incident.Open()}
		return
	}
	old.replace(alert, e.Bin)
	old.Gist, old.Past = gist(&e.Incident), old.Past && !e.Incident.Open()
}

// replace puts an alert in the place of the one before.
func (e *entry) replace(a Alert, now time.Time) {
	if !maps.Equal(a.Labels, e.Alert.Labels) && e.Alert.Status == Firing {
		former := e.Alert
		former.Status, former.EndsAt = Resolved, now
		e.Former = slices.DeleteFunc(e.Former, func(f Alert) bool { return maps.Equal(f.Labels, a.Labels) })
		e.Former = append(e.Former, former)
	}
	e.Alert = a
}

// problems brings the alerts of Heliograph's own problems up to date, and says whether anything has
// changed.
func (b *book) problems(now time.Time, found map[string]string, s *Settings) (changed bool) {
	for name, text := range found {
		key := fmt.Sprintf("heliograph/%s/problem/%s", b.Instance, name)
		if old := b.Entries[key]; old != nil && old.Alert.Status == Firing {
			continue // its text may have numbers in it, and is the first
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

// sorted are the entries, the oldest first.
func (b *book) sorted() []*entry {
	return slices.SortedFunc(maps.Values(b.Entries), func(x, y *entry) int {
		return cmp.Or(x.Alert.StartsAt.Compare(y.Alert.StartsAt), cmp.Compare(x.Alert.Key, y.Alert.Key))
	})
}

// ledger is the one of a receiver, made when it is not there.
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

// tidy forgets what nobody needs to be told of any more, and receivers that are gone. It reports
// whether there was any of it.
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
		for _, l := range b.Receivers {
			delete(l.Told, key)
		}
		changed = true
	}
	return changed
}

// owed reports whether a receiver knows an alert as firing, or may.
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
