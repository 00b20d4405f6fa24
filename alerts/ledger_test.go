package alerts_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/model"
)

// decided is a Ledger that answers what a test says.
type decided struct {
	mu     sync.Mutex
	answer *alerts.Standing // of every fault; nil: none
	asked  []alerts.Fault
}

func (d *decided) Agree(faults []alerts.Fault) map[string]alerts.Standing {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = slices.Clone(faults)
	all := map[string]alerts.Standing{}
	for _, f := range faults {
		if d.answer != nil {
			s := *d.answer
			if s.Own && s.Key == "" {
				s.Key, s.Incident = f.Key, f.Incident
			}
			all[f.Key] = s
		}
	}
	return all
}

func (d *decided) say(s *alerts.Standing) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = s
}

func (d *decided) last() []alerts.Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

// TestAnotherTells: what another Notifier tells of is neither told here nor its end, until that one
// is gone. Then its alert goes on under the same key, across a restart, and is not told anew.
func TestAnotherTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, d := new(memory), new(people), new(decided)
		d.say(&alerts.Standing{})
		_, stop := run(t, alerts.Options{Store: m, Settings: to(p), Ledger: d})
		i := incident(1, "down")
		m.add(model.Opened, i)
		pass(time.Minute)
		want(t, p)
		if asked := d.last(); len(asked) != 1 || asked[0].Target != i.Target || asked[0].Incident != "1" || asked[0].Severity != alerts.Critical {
			t.Fatalf("the ledger was asked of %+v", asked)
		}
		d.say(&alerts.Standing{Own: true, Key: "heliograph/elsewhere/7", Incident: "7", Told: []string{"ops", "unknown"}})
		pass(time.Minute)
		want(t, p)
		stop()
		run(t, alerts.Options{Store: m, Settings: to(p), Ledger: d})
		pass(time.Minute)
		i.Title = "still down"
		m.add(model.Changed, i)
		pass(time.Minute)
		want(t, p)
		if asked := d.last(); len(asked) != 1 || asked[0].Key != "heliograph/elsewhere/7" || !slices.Equal(asked[0].Told, []string{"ops"}) {
			t.Errorf("the ledger was asked of %+v", asked)
		}
		m.add(model.Cleared, over(i))
		pass(2 * time.Second)
		heard := p.heard()
		if len(heard) != 1 || heard[0].Alerts[0].Key != "heliograph/elsewhere/7" || heard[0].Alerts[0].Labels["incident"] != "7" || heard[0].Alerts[0].Headline() != "Over: still down" {
			t.Fatalf("%+v", heard)
		}
		pass(time.Hour)
		want(t, p)
		if b := string(m.state); len(b) > 100 {
			t.Errorf("what is long over is still remembered: %s", b)
		}
	})
}

// TestOwnIsTold: an incident that is this Notifier's is told at once, and its receivers
// are entered.
func TestOwnIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, d := new(memory), new(people), new(decided)
		d.say(&alerts.Standing{Own: true})
		run(t, alerts.Options{Store: m, Settings: to(p), Ledger: d})
		m.add(model.Opened, incident(1, "down"))
		pass(2 * time.Second)
		want(t, p, "down")
		pass(2 * time.Second)
		if asked := d.last(); len(asked) != 1 || !slices.Equal(asked[0].Told, []string{"ops"}) {
			t.Errorf("the ledger was asked of %+v", asked)
		}
		d.say(&alerts.Standing{}) // another one has taken over while this one was cut off
		pass(2 * time.Second)
		m.add(model.Cleared, over(incident(1, "down")))
		pass(time.Minute)
		want(t, p)
	})
}

// TestLedgerIsGone: people are told after a few seconds, and of the end, whatever the ledger says
// afterwards.
func TestLedgerIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, d := new(memory), new(people), new(decided)
		run(t, alerts.Options{Store: m, Settings: to(p), Ledger: d})
		i := incident(1, "down")
		m.add(model.Opened, i)
		pass(4 * time.Second)
		want(t, p)
		pass(4 * time.Second)
		want(t, p, "down")
		d.say(&alerts.Standing{}) // before it knew that people were told
		pass(3 * time.Second)
		d.say(&alerts.Standing{Own: true})
		pass(3 * time.Second)
		m.add(model.Cleared, over(i))
		pass(2 * time.Second)
		want(t, p, "Over: down")
	})
}

// TestNobodyIsToldOf: the ledger is not asked of what concerns no receiver.
func TestNobodyIsToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p, d := new(memory), new(people), new(decided)
		run(t, alerts.Options{Store: m, Settings: to(p), Ledger: d, Problems: func(context.Context) map[string]string { return map[string]string{"store": "it is full"} }})
		i := incident(1, "slow")
		i.Late = true
		m.add(model.Opened, i)
		pass(10 * time.Minute)
		want(t, p, "it is full")
		if asked := d.last(); len(asked) != 0 {
			t.Errorf("the ledger was asked of %+v", asked)
		}
	})
}

// TestRestartAfterAnotherTookOver: what was to be told before a restart is not, if another Notifier
// has taken over meanwhile.
func TestRestartAfterAnotherTookOver(t *testing.T) {
	for _, other := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m, p, d := new(memory), new(people), new(decided)
			p.fail(errors.New("unreachable"))
			d.say(&alerts.Standing{Own: true})
			_, stop := run(t, alerts.Options{Store: m, Settings: to(p), Ledger: d})
			m.add(model.Opened, incident(1, "down"))
			pass(10 * time.Second)
			stop()
			p.fail(nil)
			d.say(nil)
			run(t, alerts.Options{Store: m, Settings: to(p), Ledger: d})
			pass(3 * time.Second)
			want(t, p)
			d.say(&alerts.Standing{Own: !other})
			pass(time.Minute)
			if other {
				want(t, p)
			} else {
				want(t, p, "down")
			}
		})
	}
}

// TestStandingIsLost: who tells of an incident stops when the ledger does not confirm it any more,
// for as long as an answer is waited for, because another one may have taken over. What nobody has
// told of yet when the ledger is lost is told; what others were told of is not told again.
func TestStandingIsLost(t *testing.T) {
	for name, tt := range map[string]struct {
		before  alerts.Standing
		lasts   time.Duration
		between func(d *decided) // before the time for an answer is over
		want    []string
	}{
		"nobody answers":          {alerts.Standing{Own: true}, time.Minute, func(*decided) {}, []string{"Over: down"}},
		"another one took over":   {alerts.Standing{Own: true}, time.Minute, func(d *decided) { d.say(&alerts.Standing{}) }, nil},
		"it is confirmed":         {alerts.Standing{Own: true}, time.Minute, func(d *decided) { d.say(&alerts.Standing{Own: true}) }, []string{"Over: down"}},
		"nobody was told":         {alerts.Standing{}, 3 * time.Second, func(*decided) {}, []string{"down"}},
		"receivers know":          {alerts.Standing{Told: []string{"ops"}}, 3 * time.Second, func(*decided) {}, nil},
		"they were told for long": {alerts.Standing{}, time.Minute, func(*decided) {}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, p, d := new(memory), new(people), new(decided)
				d.say(&tt.before)
				run(t, alerts.Options{Store: m, Settings: to(p), Ledger: d})
				m.add(model.Opened, incident(1, "down"))
				pass(tt.lasts)
				if tt.before.Own {
					want(t, p, "down")
				}
				d.say(nil)
				pass(1500 * time.Millisecond)
				if tt.before.Own {
					m.add(model.Cleared, over(incident(1, "down")))
				}
				pass(2 * time.Second)
				want(t, p)
				tt.between(d)
				pass(10 * time.Minute)
				want(t, p, tt.want...)
			})
		})
	}
}
