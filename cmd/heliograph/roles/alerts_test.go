package roles

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/ops"
)

func TestBadReceiversNameLineAndKey(t *testing.T) {
	for text, want := range map[string]string{
		"{name: a, kind: carrier_pigeon}":                                                "h.yaml:3: alerts.receivers[0].kind",
		"{name: a, kind: slack}":                                                         "h.yaml:3: alerts.receivers[0].url_file: must not be empty",
		"{name: a, kind: slack, url_file: x, to: [b]}":                                   "alerts.receivers[0].to: means nothing for slack",
		"{name: a, kind: shoutrrr, url_file: x, ca: y}":                                  "alerts.receivers[0].ca: means nothing for shoutrrr",
		"{name: a, kind: webhook}":                                                       "give either url or url_file",
		"{name: a, kind: webhook, url: \"http://a\", severity: loud}":                    "alerts.receivers[0].severity",
		"{name: a, kind: webhook, url: \"http://a\", watchdog: often}":                   "alerts.receivers[0].watchdog: often is not a duration",
		"{name: a, kind: pagerduty, key_file: x, severity: info}":                        "cannot take info",
		"{name: a, kind: mail, server: s, from: f, to: [t], username: user}":             "username and password_file go together",
		"{kind: slack, url_file: x}":                                                     "alerts.receivers[0].name",
		"{name: a, kind: slack, url_file: x}\n    - {name: a, kind: slack, url_file: x}": "h.yaml:4: alerts.receivers[1].name",
		"{name: a, kind: slack, url_file: x, quiet: nights}":                             "alerts.receivers[0].quiet",
	} {
		_, err := parse("h.yaml", []byte("alerts:\n  receivers:\n    - "+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", text, err, want)
		}
	}
}

// judged is a state with a given last bin.
type judged struct {
	detector.State
	at  time.Time
	err error
}

func (j *judged) Evaluated(context.Context) (time.Time, error) { return j.at, j.err }

func TestWatchdogIsSilentWhenTheDetectorIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := new(judged)
		w := &pulse{state: state, began: time.Now(), late: 5 * time.Minute}
		time.Sleep(4 * time.Minute)
		if err := w.alive(t.Context()); err != nil {
			t.Errorf("it has only begun: %v", err)
		}
		time.Sleep(2 * time.Minute)
		if w.alive(t.Context()) == nil {
			t.Error("it has never judged a bin and is taken for alive")
		}
		state.at = time.Now().Add(-time.Minute)
		if err := w.alive(t.Context()); err != nil {
			t.Error(err)
		}
		state.err = errors.New("the disk is gone")
		if w.alive(t.Context()) == nil {
			t.Error("its store cannot be read and it is taken for alive")
		}
	})
}

func TestSilentVantageIsAProblem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard := map[string]time.Time{}
		w := &pulse{checks: new(Process), began: time.Now(), vantage: func(id string) time.Time { return heard[id] }}
		w.vantages.Store(&[]string{"fra-x7", "osl-q2"})
		time.Sleep(10 * time.Minute)
		if found := w.problems(t.Context()); len(found) != 0 {
			t.Errorf("it has only begun: %v", found)
		}
		heard["fra-x7"] = time.Now()
		time.Sleep(10 * time.Minute)
		found := w.problems(t.Context())
		if len(found) != 1 || !strings.Contains(found["vantage 2"], "number 2") || strings.Contains(found["vantage 2"], "osl") {
			t.Errorf("%v, want the second one, without its id", found)
		}
	})
}

// trickle is a reader with batches at certain times.
type trickle struct {
	noReports
	at []time.Time
}

func (r *trickle) Batches(_ context.Context, since time.Time) (n uint64, _ error) {
	for _, at := range r.at {
		if !at.Before(since) {
			n++
		}
	}
	return n, nil
}

func TestSilenceAndChecksAreProblems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, p := new(trickle), &Process{checks: map[string]ops.Check{
			"inbox":   func(context.Context) error { return ops.Warning("it is full in 3 h") },
			"store":   func(context.Context) error { return nil },
			"process": func(context.Context) error { return errors.New("is stopping") },
		}}
		w := &pulse{store: store, checks: p, silentAfter: time.Hour}
		w.vantages.Store(new([]string))
		look := func(d time.Duration) (found map[string]string) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(15 * time.Second) {
				found = w.problems(t.Context())
			}
			return found
		}
		if found := look(3 * time.Hour); len(found) != 1 || !strings.Contains(found["inbox"], "full in 3 h") {
			t.Errorf("nothing was ever heard: %v", found)
		}
		store.at = []time.Time{time.Now()}
		if found := look(50 * time.Minute); found["silence"] != "" {
			t.Errorf("%v", found)
		}
		if found := look(20 * time.Minute); found["silence"] == "" {
			t.Error("silence is no problem")
		}
		store.at = append(store.at, time.Now())
		if found := look(time.Minute); found["silence"] != "" {
			t.Errorf("there are reports again: %v", found)
		}
	})
}

// Alerts wait for the names of servers, by which they may be muted, but not for long.
func TestAlertsWaitForServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		known, never := make(chan struct{}), make(chan struct{})
		close(known)
		over, cancel := context.WithCancel(t.Context())
		cancel()
		for _, c := range []struct {
			ctx   context.Context
			ready chan struct{}
			want  time.Duration
		}{{t.Context(), known, 0}, {over, never, 0}, {t.Context(), never, serversWithin}} {
			began := time.Now()
			if await(c.ctx, c.ready, serversWithin); time.Since(began) != c.want {
				t.Errorf("waited %v, want %v", time.Since(began), c.want)
			}
		}
	})
}
