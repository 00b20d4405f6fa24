package alerts

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/webhook"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/model"
)

const (
	killFile = "HELIOGRAPH_TEST_ALERTS_FILE"
	killHook = "HELIOGRAPH_TEST_ALERTS_HOOK"

	killMuted = "HELIOGRAPH_TEST_ALERTS_MUTED"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(killFile); path != "" {
		child := judgeAndTell
		if os.Getenv(killMuted) != "" {
			child = tellAgain
		}
		if err := child(context.Background(), path, os.Getenv(killHook)); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// judgeAndTell opens and clears incidents of a store, and tells a webhook, until it is killed.
func judgeAndTell(ctx context.Context, path, url string) error {
	_, state, err := sqlitestore.Open(ctx, path)
	if err != nil {
		return err
	}
	key, err := webhook.ParseSecret(secret)
	if err != nil {
		return err
	}
	s, err := webhook.New(url, key, nil)
	if err != nil {
		return err
	}
	n, err := alerts.New(alerts.Options{Store: outbox{state}, Settings: alerts.Settings{Receivers: []alerts.Receiver{{Name: "hook", Sender: s}}}})
	if err != nil {
		return err
	}
	go func() {
		if err := judge(ctx, state); err != nil {
			panic(err)
		}
	}()
	return n.Run(ctx)
}

// judge opens an incident every 20 ms and clears the one 50 before.
func judge(ctx context.Context, state detector.State) error {
	for {
		last, err := state.LastIncident(ctx)
		if err != nil {
			return err
		}
		step := detector.Step{Bin: time.Now(), Events: []model.Event{{Kind: model.Opened, Incident: incident(last+1, "")}}}
		if last > 50 {
			i := incident(last-50, "")
			i.Until = time.Now()
			step.Events = append(step.Events, model.Event{Kind: model.Cleared, Incident: i})
		}
		if err := state.SaveStep(ctx, step); err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestKilledBetweenJudgementAndDelivery: whatever was judged is told, and what is told twice is the
// same message.
func TestKilledBetweenJudgementAndDelivery(t *testing.T) {
	h := newHook(t, true)
	path := filepath.Join(t.TempDir(), "store.db")
	rng := rand.New(rand.NewPCG(7, 11))
	// A life may be too short for anything on a busy machine, so there are 50 at least.
	for lives := 0; lives < 50 || lives < 500 && len(h.all()) < 300; lives++ {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), killFile+"="+path, killHook+"="+h.url)
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(50+rng.IntN(900)) * time.Millisecond)
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // killed
	}
	incidents := tellRest(t, path, h)
	if untold := untold(incidents, h); len(untold) > 0 {
		t.Errorf("not told after a minute in peace: %q", untold)
	}
	told, again := h.all(), 0
	for _, i := range incidents {
		fired, ended := told[fmt.Sprint(i.ID, " firing")], told[fmt.Sprint(i.ID, " resolved")]
		for _, messages := range []map[string]int{fired, ended} {
			if len(messages) > 1 {
				t.Errorf("incident %d was told by different messages: %v", i.ID, messages)
			}
			for _, n := range messages {
				again += n - 1
			}
		}
	}
	t.Logf("%d incidents, %d alerts were told again by the same message", len(incidents), again)
	if len(incidents) < 200 {
		t.Errorf("only %d incidents", len(incidents))
	}
}

// tellRest tells what is left in peace and returns all incidents.
func tellRest(t *testing.T, path string, h *hook) []model.Incident {
	t.Helper()
	events, state, err := sqlitestore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	key, err := webhook.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	s, err := webhook.New(h.url, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := alerts.New(alerts.Options{Store: outbox{state}, Settings: alerts.Settings{Receivers: []alerts.Receiver{{Name: "hook", Sender: s}}}})
	if err != nil {
		t.Fatal(err)
	}
	incidents, err := state.Incidents(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	for ctx.Err() == nil && len(untold(incidents, h)) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, err := range []error{state.Close(), events.Close()} {
		if err != nil {
			t.Error(err)
		}
	}
	return incidents
}

// untold returns what the hook has not heard: that incidents have begun, or that they are over. One
// that is over before its begin is told may be told as over only.
func untold(incidents []model.Incident, h *hook) (list []string) {
	told := h.all()
	for _, i := range incidents {
		fired, resolved := told[fmt.Sprint(i.ID, " firing")], told[fmt.Sprint(i.ID, " resolved")]
		if i.Open() && len(fired) == 0 || !i.Open() && len(resolved) == 0 {
			list = append(list, fmt.Sprintf("%d, open %v", i.ID, i.Open()))
		}
	}
	return list
}
