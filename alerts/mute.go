package alerts

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Mute says that nobody is to be alerted of an incident for a while. Receivers that know of it are
// told of its end all the same. When the mute ends before the incident does, they are told again.
type Mute struct {
	Until  time.Time `json:"until"` // end of the mute, which may have passed
	Who    string    `json:"who,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

// text distinguishes mutes; "" for none.
func (m *Mute) text() string {
	if m == nil {
		return ""
	}
	return m.Until.Format(time.RFC3339) + " " + m.Who + " " + m.Reason
}

// mutesEvery is how often Options.Muted is called. It is also called at once for an incident that
// is new to the Notifier.
const mutesEvery = 5 * time.Second

// holds reports whether the mute of an entry lasts.
func (e *entry) holds(now time.Time) bool { return now.Before(e.mute.Until) }

// withMute returns the entry's alert with its mute.
func (e *entry) withMute() Alert {
	a := e.Alert
	if !e.mute.Until.IsZero() {
		a.Muted = new(e.mute)
	}
	return a
}

// noteMutes finds out which incidents are muted, and takes them out of messages that wait.
func (n *Notifier) noteMutes(ctx context.Context, now time.Time) {
	if n.o.Muted == nil {
		return
	}
	by, unknown, muted := map[int64]*entry{}, false, 0
	for _, e := range n.book.Entries {
		if e.Incident != 0 {
			by[e.Incident] = e
			unknown = unknown || !e.muteKnown
		}
	}
	if len(by) > 0 && (unknown || now.Sub(n.mutesAsked) >= mutesEvery) {
		n.mutesAsked = now
		mutes, err := n.o.Muted(ctx, slices.Sorted(maps.Keys(by)))
		if !n.trouble("muted", err) {
			for id, e := range by {
				e.mute, e.muteKnown = mutes[id], true
			}
		}
	}
	for _, e := range by {
		if e.holds(now) && e.Alert.Status == Firing {
			muted++
		}
	}
	n.metrics.muted.Set(float64(muted))
	for name := range n.book.Receivers {
		if muted > 0 && !n.courier(name).busy {
			n.unsaved = n.book.withhold(name, now) || n.unsaved
		}
	}
}

// withhold gives up a receiver's pending message if an alert in it has been muted, so that a new
// one is composed of the others. The message may have been delivered nevertheless, so the receiver
// will be told of the end.
func (b *book) withhold(name string, now time.Time) bool {
	l := b.Receivers[name]
	if l == nil || l.Pending == nil {
		return false
	}
	muted := func(a *Alert) bool {
		e := b.Entries[a.Key]
		return a.Status == Firing && e != nil && e.holds(now)
	}
	found := false
	for i := range l.Pending.Alerts {
		if a := &l.Pending.Alerts[i]; muted(a) {
			l.Told[a.Key] = told{At: now, Status: Firing, Gist: l.Gists[a.Key]}
			found = true
		}
	}
	if found {
		l.Pending, l.Gists = nil, nil
	}
	return found
}
