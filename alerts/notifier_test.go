package alerts_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/model"
)

// run runs a Notifier until the function that it returns is called, or the test ends.
func run(t *testing.T, o alerts.Options) (n *alerts.Notifier, stop func()) {
	t.Helper()
	n, err := alerts.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	synctest.Wait() // what is added next is read at once, and not in the middle
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return n, stop
}

// to are settings with one receiver.
func to(p *people, change ...func(*alerts.Settings)) alerts.Settings {
	s := alerts.Settings{Receivers: []alerts.Receiver{{Name: "ops", Sender: p}}}
	for _, c := range change {
		c(&s)
	}
	return s
}

// pass lets time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// want compares what people were told, message by message.
func want(t *testing.T, p *people, lines ...string) {
	t.Helper()
	if got := p.told(); !slices.Equal(got, lines) {
		t.Errorf("told %q, want %q", got, lines)
	}
}

func TestOneIncidentIsToldOnceAndItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := new(memory), new(people)
		run(t, alerts.Options{Store: m, Settings: to(p)})
		i := incident(1, "down")
		m.add(model.Opened, i)
		pass(2 * time.Second)
		heard := p.heard()
		if len(heard) != 1 || len(heard[0].Alerts) != 1 || heard[0].Alerts[0].Severity != alerts.Critical || heard[0].Status() != alerts.Firing {
			t.Fatalf("%+v", heard)
		}
		key := heard[0].Alerts[0].Key
		pass(time.Hour)
		want(t, p)
		i.Title = "down for more"
		m.add(model.Changed, i) // numbers only: nothing to act on
		pass(time.Minute)
		want(t, p)
		m.add(model.Cleared, over(i))
		pass(2 * time.Second)
		if heard = p.heard(); len(heard) != 1 || heard[0].Alerts[0].Key != key || heard[0].Alerts[0].Headline() != "Over: down for more" {
			t.Fatalf("%+v", heard)
		}
		pass(10 * time.Hour)
		want(t, p)
		if m.unread() != 0 {
			t.Error("events stay in the outbox")
		}
		if b := string(m.state); len(b) > 100 {
			t.Errorf("what is long over is still remembered: %s", b)
		}
	})
}

func TestOneBinIsOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := new(memory), new(people)
		for id := range int64(1000) { // more than are read at once
			m.add(model.Opened, incident(id+1, "down"))
		}
		run(t, alerts.Options{Store: m, Settings: to(p)})
		pass(2 * time.Second)
		if heard := p.heard(); len(heard) != 1 || len(heard[0].Alerts) != 1000 || heard[0].Subject() != "1000 incidents" {
			t.Errorf("%d messages", len(heard))
		}
	})
}

func TestForRepeatAndUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := new(memory), new(people)
		run(t, alerts.Options{Store: m, Settings: to(p, func(s *alerts.Settings) { s.For, s.Repeat, s.Update = time.Minute, time.Hour, 10*time.Minute })})
		short := incident(1, "short")
		m.add(model.Opened, short)
		pass(50 * time.Second)
		m.add(model.Cleared, over(short))
		pass(5 * time.Minute)
		want(t, p) // it did not last
		i := incident(2, "down")
		m.add(model.Opened, i)
		pass(50 * time.Second)
		want(t, p)
		pass(12 * time.Second)
		want(t, p, "down")
		i.Title, i.Scope.ASNs = "down from AS64501", []uint32{64501}
		m.add(model.Changed, i)
		pass(9 * time.Minute)
		want(t, p) // people are told of changes now and then only
		pass(2 * time.Minute)
		want(t, p, "down from AS64501")
		pass(57 * time.Minute)
		want(t, p)
		pass(4 * time.Minute)
		want(t, p, "down from AS64501")
	})
}

// What came late, what is the clients' own and what is made up wakes nobody. Those who ask for it
// are told.
func TestWhatNeverPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, all := new(memory), new(people), new(people)
		s := to(p)
		s.Receivers = append(s.Receivers, alerts.Receiver{Name: "log", Sender: all, Least: alerts.Info})
		run(t, alerts.Options{Store: m, Settings: s})
		late := incident(1, "late")
		late.Since = late.Since.Add(-10 * time.Minute)
		m.add(model.Opened, over(late))
		for id, v := range []model.Verdict{model.LastMile, model.Forged} {
			i := incident(int64(id+2), string(v))
			i.Verdict = v
			m.add(model.Opened, i)
		}
		pass(2 * time.Second)
		want(t, p)
		want(t, all, "Over: late + last_mile + forged")
		i := incident(2, "service_down") // judged anew
		i.Verdict = model.ServiceDown
		m.add(model.Changed, i)
		pass(2 * time.Second)
		want(t, p, "service_down")
	})
}

// Whom a message wakes is told only of what is to wake people.
func TestWhoIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, phone := new(memory), new(people), new(people)
		s := to(p)
		s.Receivers = append(s.Receivers, alerts.Receiver{Name: "phone", Sender: phone, Wakes: true})
		run(t, alerts.Options{Store: m, Settings: s})
		i := incident(1, "thin")
		i.Verdict = model.TooThin
		m.add(model.Opened, i)
		pass(time.Minute)
		want(t, p, "thin")
		want(t, phone)
		i.Verdict, i.Page, i.Title = model.NetworkPath, true, "down"
		m.add(model.Changed, i)
		pass(time.Minute)
		want(t, phone, "down")
	})
}

// An incident of the past wakes nobody while more is told of it, until it turns out to go on.
func TestAnIncidentOfThePastThatGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, all := new(memory), new(people), new(people)
		s := to(p)
		s.Receivers = append(s.Receivers, alerts.Receiver{Name: "log", Sender: all, Least: alerts.Info})
		run(t, alerts.Options{Store: m, Settings: s})
		i := incident(1, "down")
		i.Since, i.Late, i.Verdict = i.Since.Add(-10*time.Minute), true, model.NetworkPath
		m.add(model.Opened, i)
		pass(time.Minute)
		want(t, p)
		want(t, all, "down")
		i.Late, i.Page = false, true
		m.add(model.Changed, i)
		pass(time.Minute)
		want(t, p, "down")
	})
}

// What was over before anybody could be told is told as that, and wakes nobody; after a quarter of
// an hour it is not told at all.
func TestOverBeforeItWasTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, phone := new(memory), new(people), new(people)
		s := to(p)
		s.Receivers = append(s.Receivers, alerts.Receiver{Name: "phone", Sender: phone, Wakes: true})
		old, young, goes := incident(1, "old"), incident(2, "young"), incident(3, "goes on")
		for _, i := range []model.Incident{old, young, goes} {
			m.add(model.Opened, i)
		}
		time.Sleep(time.Minute)
		m.add(model.Cleared, over(old))
		time.Sleep(10 * time.Minute)
		m.add(model.Cleared, over(young))
		time.Sleep(10 * time.Minute)
		run(t, alerts.Options{Store: m, Settings: s})
		pass(2 * time.Second)
		want(t, p, "Over: young + goes on")
		want(t, phone, "goes on")
	})
}

func TestServiceDownMutesItsParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := new(memory), new(people)
		run(t, alerts.Options{Store: m, Settings: to(p)})
		down := incident(1, "down")
		down.Verdict = model.ServiceDown
		part, other := incident(2, "part"), incident(3, "other")
		part.Verdict, other.Target = model.ServerGroup, "https://cart.test"
		inside := incident(5, "inside")
		inside.Verdict, inside.Evidence = model.NetworkPath, []model.Signal{{Code: model.SignalInside, Text: "nothing gets through"}}
		dead := incident(4, "collector")
		dead.App, dead.Target = model.DeliveryApp, model.CollectorTarget+"c1"
		for _, i := range []model.Incident{down, part, other, dead, inside} {
			m.add(model.Opened, i)
		}
		pass(2 * time.Second)
		want(t, p, "down + other + collector + inside")
		m.add(model.Cleared, over(down))
		pass(2 * time.Second)
		want(t, p, "Over: down + part")
	})
}

// A receiver that does not answer is tried until it does, and keeps no other waiting.
func TestUnreachableReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, other := new(memory), new(people), new(people)
		p.fail(errors.New("nobody there"))
		s := to(p)
		s.Receivers = append(s.Receivers, alerts.Receiver{Name: "other", Sender: other})
		run(t, alerts.Options{Store: m, Settings: s})
		i := incident(1, "down")
		m.add(model.Opened, i)
		pass(2 * time.Second)
		want(t, other, "down")
		pass(time.Hour)
		p.fail(nil)
		pass(2 * time.Minute)
		want(t, p, "down")
		want(t, other)
		// It is over before a second one could be told: what people hear is how it is.
		p.fail(errors.New("nobody there"))
		j := incident(2, "again")
		m.add(model.Opened, j)
		pass(time.Hour)
		m.add(model.Cleared, over(j))
		pass(3 * time.Minute)
		p.fail(nil)
		pass(2 * time.Minute)
		want(t, p, "Over: again")
	})
}

// A receiver that takes a message and cannot say so gets the same one again.
func TestUnconfirmedMessageIsTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := new(memory), new(people)
		p.fail(errors.New("cut off"))
		p.deaf = true
		_, stop := run(t, alerts.Options{Store: m, Settings: to(p)})
		m.add(model.Opened, incident(1, "down"))
		pass(5 * time.Second)
		stop()
		m.add(model.Opened, incident(2, "also"))
		run(t, alerts.Options{Store: m, Settings: to(p)}) // another process
		pass(time.Second)
		p.fail(nil)
		pass(2 * time.Minute)
		heard := p.heard()
		last := len(heard) - 1
		for i := range last {
			if heard[i].ID != heard[0].ID || len(heard[i].Alerts) != 1 {
				t.Errorf("attempt %d differs: %+v", i, heard[i])
			}
		}
		if last < 2 || heard[last].ID == heard[0].ID || heard[last].Alerts[0].Summary != "also" {
			t.Errorf("%d messages, the last is %+v", len(heard), heard[last])
		}
	})
}

// A receiver that refuses a message for good does not keep the next ones from it.
func TestRefusedMessageIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := new(memory), new(people)
		p.fail(fmt.Errorf("%w: 400", alerts.ErrRefused))
		run(t, alerts.Options{Store: m, Settings: to(p)})
		m.add(model.Opened, incident(1, "bad"))
		pass(10 * time.Minute)
		p.fail(nil)
		m.add(model.Opened, incident(2, "good"))
		pass(2 * time.Minute)
		want(t, p, "good")
	})
}

// RetryAfter is kept.
func TestLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := new(memory), new(people)
		p.fail(&alerts.LaterError{After: 10 * time.Minute, Err: errors.New("busy")})
		run(t, alerts.Options{Store: m, Settings: to(p)})
		m.add(model.Opened, incident(1, "down"))
		pass(2 * time.Second)
		p.fail(nil)
		pass(9 * time.Minute)
		want(t, p)
		pass(time.Minute)
		want(t, p, "down")
	})
}

// Nothing is sent that is not stored first, unless the store fails for long, and nothing is lost
// while the store fails.
func TestStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := new(memory), new(people)
		m.breakDown(true)
		run(t, alerts.Options{Store: m, Settings: to(p)})
		m.add(model.Opened, incident(1, "down"))
		pass(time.Minute)
		want(t, p)
		m.breakDown(false)
		pass(3 * time.Second)
		want(t, p, "down")
	})
}

// While the disk is full, Alertmanager goes on being told what fires, which would end there
// otherwise, and people are told after a minute, if only that the disk is full.
func TestStoreIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, am := new(memory), new(people), new(people)
		s := to(p)
		s.Receivers = append(s.Receivers, alerts.Receiver{Name: "am", Sender: am, Refresh: time.Minute})
		full := func(context.Context) map[string]string {
			m.mu.Lock()
			defer m.mu.Unlock()
			if m.full {
				return map[string]string{"store": "the disk is full"}
			}
			return nil
		}
		run(t, alerts.Options{Store: m, Settings: s, Problems: full})
		m.add(model.Opened, incident(1, "down"))
		pass(2 * time.Second)
		want(t, p, "down")
		m.mu.Lock()
		m.full = true
		m.mu.Unlock()
		am.heard()
		pass(4 * time.Minute)
		want(t, p, "the disk is full")
		if n := len(am.heard()); n < 4 {
			t.Errorf("Alertmanager was told %d times in four minutes", n)
		}
		m.mu.Lock()
		m.full = false
		m.mu.Unlock()
		pass(time.Minute)
		want(t, p, "Over: the disk is full")
	})
}

func TestRefreshAndWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, am := new(memory), new(people)
		var stuck atomic.Bool
		alive := func(context.Context) error {
			if stuck.Load() {
				return errors.New("the detector is stuck")
			}
			return nil
		}
		run(t, alerts.Options{Store: m, Alive: alive,
			Settings: alerts.Settings{Receivers: []alerts.Receiver{{Name: "am", Sender: am, Refresh: time.Minute}}}})
		const dog = "Heliograph watches and can tell"
		pass(3 * time.Second)
		want(t, am, dog)
		i := incident(1, "down")
		m.add(model.Opened, i)
		pass(2 * time.Second)
		want(t, am, "down + "+dog)
		pass(time.Minute)
		want(t, am, "down + "+dog)
		i.Verdict = model.DNS // another alert, for Alertmanager
		m.add(model.Changed, i)
		pass(2 * time.Second)
		want(t, am, "Over: down + down + "+dog)
		m.add(model.Cleared, over(i))
		stuck.Store(true)
		pass(2 * time.Second)
		want(t, am, "Over: down + Over: down")
		pass(20 * time.Minute)
		if n := len(am.heard()); n < 14 || n > 17 {
			t.Errorf("what is over was sent %d times more", n)
		}
		pass(time.Hour)
		want(t, am)
	})
}

func TestWatchdogOfMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := new(memory), new(people)
		run(t, alerts.Options{Store: m, Settings: to(p, func(s *alerts.Settings) { s.Receivers[0].Watchdog = 10 * time.Minute })})
		pass(time.Hour - time.Second)
		if n := len(p.heard()); n != 6 {
			t.Errorf("%d signs of life in an hour, want 6", n)
		}
	})
}

func TestProblems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := new(memory), new(people)
		var now atomic.Pointer[map[string]string]
		find := func(found map[string]string) { now.Store(&found) }
		find(map[string]string{"inbox": "The inbox is full"})
		run(t, alerts.Options{Store: m, Settings: to(p), Problems: func(context.Context) map[string]string { return *now.Load() }})
		pass(time.Minute)
		find(nil) // it was over soon
		pass(5 * time.Minute)
		want(t, p)
		find(map[string]string{"inbox": "The inbox is full", "store": "The store is not there"})
		pass(3 * time.Minute)
		want(t, p, "The inbox is full + The store is not there")
		find(map[string]string{"store": "The store is not there"})
		pass(20 * time.Second)
		want(t, p, "Over: The inbox is full")
	})
}

// After a restart, whenever it comes, people have heard of everything, and of the same with the
// same key.
func TestRestarts(t *testing.T) {
	for _, when := range []time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond, 999 * time.Millisecond, time.Second, 1500 * time.Millisecond, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			m, p := new(memory), &people{takes: 700 * time.Millisecond}
			keys := map[string]bool{}
			hear := func() (n int) {
				for _, message := range p.heard() {
					for _, a := range message.Alerts {
						keys[a.Key] = true
						n++
					}
				}
				return n
			}
			i := incident(1, "down")
			m.add(model.Opened, i)
			for range 3 {
				_, stop := run(t, alerts.Options{Store: m, Settings: to(p)})
				pass(when)
				stop()
			}
			_, stop := run(t, alerts.Options{Store: m, Settings: to(p)})
			pass(5 * time.Second)
			if n := hear(); n != 1 {
				t.Errorf("told %d times with restarts after %v", n, when)
			}
			m.add(model.Cleared, over(i))
			pass(5 * time.Second)
			stop()
			if n := hear(); n != 1 || len(keys) != 1 {
				t.Errorf("its end told %d times; keys %v", n, keys)
			}
		})
	}
}

func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, second := new(memory), new(people), new(people)
		n, _ := run(t, alerts.Options{Store: m, Settings: to(p)})
		m.add(model.Opened, incident(1, "down"))
		pass(2 * time.Second)
		want(t, p, "down")
		s := to(p)
		s.Receivers = append(s.Receivers, alerts.Receiver{Name: "second", Sender: second})
		if err := n.Reload(s); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		want(t, p)
		want(t, second, "down")
		s.Receivers[1].Name = "ops"
		if err := n.Reload(s); err == nil {
			t.Error("two receivers of one name are taken")
		}
	})
}

// An incident that somebody has taken over is not repeated, but its changes and its end are told.
func TestTakenIncidentsAreNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := new(memory), new(people)
		var taken atomic.Bool
		run(t, alerts.Options{Store: m, Settings: to(p, func(s *alerts.Settings) { s.Repeat = time.Hour }), Acknowledged: func(_ context.Context, ids []int64) ([]int64, error) {
			if !slices.Equal(ids, []int64{1}) {
				t.Errorf("asked for %v", ids)
			}
			if taken.Load() {
				return ids, nil
			}
			return nil, nil
		}})
		i := incident(1, "down")
		m.add(model.Opened, i)
		pass(90 * time.Minute)
		if n := len(p.heard()); n != 2 {
			t.Fatalf("%d messages before it was taken over, want 2", n)
		}
		taken.Store(true)
		pass(10 * time.Hour)
		if n := len(p.heard()); n != 0 {
			t.Errorf("%d repetitions of an incident that was taken over", n)
		}
		m.add(model.Cleared, over(i))
		pass(2 * time.Second)
		if heard := p.heard(); len(heard) != 1 || heard[0].Status() != alerts.Resolved {
			t.Errorf("its end: %+v", heard)
		}
	})
}
