package alerts

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/alertmanager"
	"github.com/heliograph-net/heliograph/alerts/webhook"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/model"
)

// tellAgain tells a webhook every second of what a store has, until it is killed.
func tellAgain(ctx context.Context, path, url string) error {
	_, state, err := sqlitestore.Open(ctx, path)
	if err != nil {
		return err
	}
	n, err := againAndAgain(state, url)
	if err != nil {
		return err
	}
	return n.Run(ctx)
}

func againAndAgain(state detector.State, url string) (*alerts.Notifier, error) {
	key, err := webhook.ParseSecret(secret)
	if err != nil {
		return nil, err
	}
	s, err := webhook.New(url, key, nil)
	if err != nil {
		return nil, err
	}
	return alerts.New(alerts.Options{Store: outbox{state}, Muted: roles.Muted(state, nil),
		Settings: alerts.Settings{Repeat: time.Second, Receivers: []alerts.Receiver{{Name: "hook", Sender: s}}}})
}

// TestMuteOutlivesKills: whatever is killed, nobody is told of an incident while it is muted, and
// when the mute ends they are.
func TestMuteOutlivesKills(t *testing.T) {
	h := newHook(t, true)
	path := filepath.Join(t.TempDir(), "store.db")
	note := func(n model.Note) (events detector.Events, state detector.State) {
		t.Helper()
		events, state, err := sqlitestore.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if last, err := state.LastIncident(t.Context()); err == nil && last == 0 {
			save(t, state, model.Opened, incident(1, model.DNS), incident(2, model.DNS))
		}
		if _, err := state.AddNote(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		return events, state
	}
	closed := func(events detector.Events, state detector.State) {
		t.Helper()
		for _, err := range []error{state.Close(), events.Close()} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	times := func(what string) (n int) {
		for _, count := range h.all()[what] {
			n += count
		}
		return n
	}
	closed(note(model.Note{Incident: 1, At: time.Now(), Kind: model.NoteMute, Who: "ada", Text: "maintenance", Until: time.Now().Add(time.Hour)}))
	for range 3 {
		before := times("2 firing")
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), killFile+"="+path, killHook+"="+h.url, killMuted+"=1")
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "what is not muted", func() bool { return times("2 firing") > before })
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // killed
		if n := times("1 firing"); n != 0 {
			t.Fatalf("told %d times of what is muted", n)
		}
	}
	events, state := note(model.Note{Incident: 1, At: time.Now(), Kind: model.NoteUnmute})
	n, err := againAndAgain(state, h.url)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	until(t, "what was muted", func() bool { return times("1 firing") > 0 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	told, err := state.Milestones(t.Context(), 1)
	if err != nil || len(told) < 2 || told[0].Kind != model.MilestoneJudged || told[1].Kind != model.MilestoneTold || told[1].Receiver != "hook" {
		t.Errorf("milestones %+v, %v", told, err)
	}
	closed(events, state)
}

// TestMutesByScope: nobody is told of an incident of which all lies within a mute, until the mute
// ends; of one that reaches further they are told.
func TestMutesByScope(t *testing.T) {
	h := newHook(t, true)
	key, err := webhook.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	s, err := webhook.New(h.url, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	state := notify(t, alerts.Receiver{Name: "hook", Sender: s})
	now := time.Now()
	mute, err := state.AddMute(t.Context(), model.Mute{At: now, Start: now, End: now.Add(time.Hour), Who: "ada", Reason: "new switches",
		Scope: model.MuteScope{Target: "https://*.test", ASNs: []uint32{64502}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = state.AddMute(t.Context(), model.Mute{At: now, Start: now.Add(time.Hour), End: now.Add(2 * time.Hour), Reason: "planned", Scope: model.MuteScope{Target: "*"}})
	if err != nil {
		t.Fatal(err)
	}
	within, further := incident(1, model.NetworkPath), incident(2, model.NetworkPath)
	further.Scope.ASNs = []uint32{64502, 64503}
	save(t, state, model.Opened, within, further)
	until(t, "what reaches further", func() bool { return len(h.all()["2 firing"]) > 0 })
	if told := h.all()["1 firing"]; len(told) != 0 {
		t.Errorf("told of what is muted: %v", told)
	}
	if _, err := state.EndMute(t.Context(), mute.Number, time.Now(), "bob"); err != nil {
		t.Fatal(err)
	}
	until(t, "what was muted", func() bool { return len(h.all()["1 firing"]) > 0 })
}

// TestMutedInAlertmanager: a muted incident is a silence in a real Alertmanager, where the alert
// stays. Silences of others are left alone.
func TestMutedInAlertmanager(t *testing.T) {
	url := manager(t, newHook(t, false).url)
	const foreign = `{"matchers":[{"name":"alertname","value":"HeliographIncident","isRegex":false},{"name":"incident","value":"2","isRegex":false}],
		"startsAt":"2026-01-01T00:00:00Z","endsAt":"2099-01-01T00:00:00Z","createdBy":"bob","comment":"my own (heliograph/other/1)"}`
	resp, err := http.Post(url+"/api/v2/silences", "application/json", strings.NewReader(foreign))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	s, err := alertmanager.New(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	state := notify(t, alerts.Receiver{Name: "am", Sender: s, Refresh: alertmanager.Refresh})
	one, two := incident(1, model.DNS), incident(2, model.DNS)
	save(t, state, model.Opened, one, two)
	is := func(incident, want string) func() bool {
		return func() bool { return managedAlerts(t, url)[incident].Status.State == want }
	}
	until(t, "the alerts", is("1", "active"))
	until(t, "the silence of another", is("2", "suppressed"))
	mute := func(kind model.NoteKind, end time.Time) {
		t.Helper()
		if _, err := state.AddNote(t.Context(), model.Note{Incident: 1, At: time.Now(), Kind: kind, Who: "ada", Text: "maintenance", Until: end}); err != nil {
			t.Fatal(err)
		}
	}
	mute(model.NoteMute, time.Now().Add(time.Hour))
	until(t, "the silence", is("1", "suppressed"))
	longer := time.Now().Add(3 * time.Hour)
	mute(model.NoteMute, longer)
	until(t, "a longer one, alone", func() bool {
		ours := silences(t, url, "ada")
		return len(ours) == 1 && ours[0].EndsAt.Sub(longer).Abs() < time.Minute && strings.HasPrefix(ours[0].Comment, "maintenance https://page.test/#/incidents/1 (heliograph/")
	})
	mute(model.NoteUnmute, time.Time{})
	until(t, "the end of the silence", is("1", "active"))
	if all := silences(t, url, "bob"); len(all) != 1 {
		t.Errorf("silences of another: %+v", all)
	}
	mute(model.NoteMute, longer)
	until(t, "a silence again", is("1", "suppressed"))
	save(t, state, model.Cleared, one)
	until(t, "its end", func() bool { return len(silences(t, url, "ada")) == 0 })
}

// managedSilence is a silence as Alertmanager tells it.
type managedSilence struct {
	EndsAt             time.Time
	CreatedBy, Comment string
	Status             struct{ State string }
}

// silences are those of somebody that are active in an Alertmanager.
func silences(t *testing.T, url, who string) (found []managedSilence) {
	t.Helper()
	resp, err := http.Get(url + "/api/v2/silences")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var all []managedSilence
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.CreatedBy == who && s.Status.State == "active" {
			found = append(found, s)
		}
	}
	return found
}
