package alertmanager

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/internal/post"
)

// silence is the gettableSilence and the postableSilence of the API.
type silence struct {
	ID        string    `json:"id,omitempty"`
	Matchers  []matcher `json:"matchers"`
	StartsAt  time.Time `json:"startsAt"`
	EndsAt    time.Time `json:"endsAt"`
	CreatedBy string    `json:"createdBy"`
	Comment   string    `json:"comment"`
	Status    *struct {
		State string `json:"state"`
	} `json:"status,omitempty"`
}

type matcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
}

// silence makes or changes a silence for each muted alert of a message, and returns the ids of
// those that are not needed any more. It asks for silences only if there may be some.
func (s *Sender) silence(ctx context.Context, m *alerts.Message) (spare []string, err error) {
	muted, ever := map[string]*alerts.Alert{}, false
	for i := range m.Alerts {
		a := &m.Alerts[i]
		ever = ever || a.Muted != nil
		if a.Muted != nil && a.Muted.Until.After(m.Made) && a.Status == alerts.Firing {
			muted[a.Key] = a
		}
	}
	if !ever || len(muted) == 0 && s.quiet.Load() {
		return nil, nil
	}
	s.quiet.Store(false)
	var all []silence
	filter := url.Values{"filter": {`alertname="` + alerts.NameIncident + `"`}}
	if err := post.Get(ctx, s.client, s.api+"/silences?"+filter.Encode(), &all); err != nil {
		return nil, fmt.Errorf("asking for silences: %w", err)
	}
	ours := 0
	for i := range all {
		old := &all[i]
		key := keyOf(old.Comment)
		if old.Status == nil || old.Status.State == "expired" || !sameStore(key, m) {
			continue
		}
		ours++
		a := muted[key]
		switch {
		case a == nil:
			spare = append(spare, old.ID)
		case old.EndsAt.Sub(a.Muted.Until).Abs() < time.Second:
			delete(muted, key)
		default: // the mute has become longer or shorter
			if err := s.postSilence(ctx, a, old.ID, m.Made); err != nil {
				return spare, err
			}
			delete(muted, key)
		}
	}
	for _, a := range muted {
		if err := s.postSilence(ctx, a, "", m.Made); err != nil {
			return spare, err
		}
		ours++
	}
	s.quiet.Store(ours == 0)
	return spare, nil
}

// postSilence makes a silence, or changes the one with an id.
func (s *Sender) postSilence(ctx context.Context, a *alerts.Alert, id string, now time.Time) error {
	comment := strings.TrimSpace(a.Muted.Reason+" "+a.Link) + " (" + a.Key + ")"
	body := silence{ID: id, StartsAt: now, EndsAt: a.Muted.Until, CreatedBy: cmp.Or(a.Muted.Who, "heliograph"), Comment: comment}
	// those that stay the same
	for _, name := range []string{"alertname", "app", "target", "incident"} {
		body.Matchers = append(body.Matchers, matcher{Name: name, Value: a.Labels[name]})
	}
	if err := post.Value(ctx, s.client, s.api+"/silences", &body); err != nil {
		return fmt.Errorf("silencing: %w", err)
	}
	return nil
}

// expire ends silences.
func (s *Sender) expire(ctx context.Context, ids []string) error {
	for _, id := range ids {
		if err := post.Do(ctx, s.client, http.MethodDelete, s.api+"/silence/"+url.PathEscape(id)); err != nil {
			return fmt.Errorf("ending a silence: %w", err)
		}
	}
	return nil
}

// keyOf returns the key of the alert that a silence of ours is for, or "".
func keyOf(comment string) string {
	at := strings.LastIndex(comment, "(heliograph/")
	if at < 0 || !strings.HasSuffix(comment, ")") {
		return ""
	}
	return comment[at+1 : len(comment)-1]
}

// sameStore reports whether a key is of the store that a message is from. Others may use the same
// Alertmanager.
func sameStore(key string, m *alerts.Message) bool {
	store := key[:strings.LastIndexByte(key, '/')+1]
	for i := range m.Alerts {
		if store != "" && strings.HasPrefix(m.Alerts[i].Key, store) {
			return true
		}
	}
	return false
}
