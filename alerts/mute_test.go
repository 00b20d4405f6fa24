package alerts_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/model"
)

// muted is an operator's mutes, by incident.
type muted struct {
	mu sync.Mutex
	by map[int64]alerts.Mute
}

func (m *muted) set(id int64, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by == nil {
		m.by = map[int64]alerts.Mute{}
	}
	m.by[id] = alerts.Mute{Until: until, Who: "ada", Reason: "maintenance"}
}

func (m *muted) ask(_ context.Context, ids []int64) (map[int64]alerts.Mute, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := map[int64]alerts.Mute{}
	for _, id := range ids {
		if mute, ok := m.by[id]; ok {
			found[id] = mute
		}
	}
	return found, nil
}

// A muted incident is neither repeated nor updated. When the mute expires and it still burns, it is
// told again, acknowledged or not.
func TestMutedIncidentsAreSilentUntilTheMuteExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, mutes := new(memory), new(people), new(muted)
		o := alerts.Options{Store: m, Muted: mutes.ask, Settings: to(p, func(s *alerts.Settings) { s.Repeat = time.Hour }),
			Acknowledged: func(_ context.Context, ids []int64) ([]int64, error) { return ids, nil }}
		_, stop := run(t, o)
		i := incident(1, "down")
		m.add(model.Opened, i)
		m.add(model.Opened, incident(2, "other"))
		pass(2 * time.Second)
		want(t, p, "down + other")
		mutes.set(1, time.Now().Add(3*time.Hour))
		pass(10 * time.Second)
		i.Scope.ASNs = []uint32{64501}
		m.add(model.Changed, i)
		pass(90 * time.Minute)
		want(t, p)
		stop() // the mute outlives the process
		_, stop = run(t, o)
		defer stop()
		pass(80 * time.Minute)
		want(t, p)
		pass(10 * time.Minute)
		want(t, p, "down")
		pass(10 * time.Hour)
		want(t, p)
		m.add(model.Cleared, over(i))
		pass(2 * time.Second)
		want(t, p, "Over: down")
	})
}

// While an incident is muted, its end is told to those who know of it and to nobody else. If it
// comes back meanwhile, nobody is told.
func TestMutedIncidentsThatEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, mutes := new(memory), new(people), new(muted)
		run(t, alerts.Options{Store: m, Muted: mutes.ask, Settings: to(p)})
		known := incident(1, "known")
		m.add(model.Opened, known)
		pass(2 * time.Second)
		want(t, p, "known")
		mutes.set(1, time.Now().Add(2*time.Hour))
		mutes.set(2, time.Now().Add(2*time.Hour)) // of an earlier time
		pass(6 * time.Second)
		unknown := incident(2, "unknown")
		m.add(model.Opened, unknown)
		pass(time.Minute)
		m.add(model.Cleared, over(known))
		m.add(model.Cleared, over(unknown))
		pass(time.Minute)
		want(t, p, "Over: known")
		pass(30 * time.Minute)
		m.add(model.Opened, known) // long forgotten here
		pass(time.Minute)
		want(t, p)
		mutes.set(1, time.Now()) // unmuted
		pass(6 * time.Second)
		want(t, p, "known")
	})
}

// A message that waits for its receiver does not tell of what has been muted meanwhile, but of
// everything else.
func TestMutesReachMessagesThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, mutes := new(memory), new(people), new(muted)
		p.fail(errors.New("away"))
		run(t, alerts.Options{Store: m, Muted: mutes.ask, Settings: to(p)})
		i := incident(1, "muted")
		m.add(model.Opened, i)
		m.add(model.Opened, incident(2, "other"))
		pass(10 * time.Second)
		mutes.set(1, time.Now().Add(time.Hour))
		pass(6 * time.Second)
		p.fail(nil)
		pass(2 * time.Minute)
		want(t, p, "other")
		m.add(model.Cleared, over(i)) // it may have heard of it
		pass(2 * time.Second)
		want(t, p, "Over: muted")
	})
}

// A receiver that is sent everything again and again, such as Alertmanager, learns that an alert is
// muted. If it were not sent, it would count as over.
func TestMutedAlertsAreRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, mutes := new(memory), new(people), new(muted)
		m.add(model.Opened, incident(1, "down"))
		run(t, alerts.Options{Store: m, Muted: mutes.ask, Settings: alerts.Settings{Receivers: []alerts.Receiver{{Name: "am", Sender: p, Refresh: time.Minute}}}})
		pass(2 * time.Second)
		mutes.set(1, time.Now().Add(time.Hour))
		pass(6 * time.Second)
		heard := p.heard()
		if len(heard) != 2 || heard[0].Alerts[0].Muted != nil || heard[1].Alerts[0].Muted == nil || heard[1].Alerts[0].Muted.Who != "ada" || heard[1].Status() != alerts.Firing {
			t.Fatalf("%+v", heard)
		}
		pass(time.Hour)
		heard = p.heard()
		if last := heard[len(heard)-1].Alerts[0]; last.Muted.Until.After(time.Now()) || last.Status != alerts.Firing {
			t.Errorf("after the mute: %+v", last)
		}
	})
}

// Who was told of an incident, and who could not be told, is stored together with the record of
// what was told.
func TestMilestones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, am := new(memory), new(people), new(people)
		s := to(p, func(s *alerts.Settings) { s.Repeat, s.Update = time.Hour, time.Minute })
		s.Receivers = append(s.Receivers, alerts.Receiver{Name: "am", Sender: am, Refresh: time.Minute})
		_, stop := run(t, alerts.Options{Store: m, Settings: s})
		i := incident(1, "down")
		p.fail(&alerts.LaterError{After: time.Second, Err: errors.New("https://hook.example/SECRET is busy")})
		m.add(model.Opened, i)
		pass(10 * time.Second)
		p.fail(nil)
		pass(2 * time.Minute)
		i.Scope.ASNs, i.Verdict = []uint32{64501}, model.NetworkPath // its labels change, too
		m.add(model.Changed, i)
		pass(70 * time.Minute)
		stop()
		_, stop = run(t, alerts.Options{Store: m, Settings: s})
		defer stop()
		m.add(model.Cleared, over(i))
		pass(5 * time.Second)
		var told []string
		for _, s := range m.milestones {
			if s.Incident != 1 || s.At.IsZero() || strings.Contains(s.Reason, "SECRET") {
				t.Errorf("%+v", s)
			}
			told = append(told, string(s.Kind)+" "+s.Receiver)
		}
		slices.Sort(told) // receivers are told side by side
		if !slices.Equal(told, []string{"not_told ops", "reminded ops", "told am", "told ops", "told_over am", "told_over ops", "updated ops"}) {
			t.Errorf("%q", told)
		}
	})
}
