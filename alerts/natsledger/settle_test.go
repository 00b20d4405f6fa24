package natsledger

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/model"
)

// table is a bucket with one page, and detectors that settle in it.
type table struct {
	*testing.T
	now   time.Time
	text  []byte
	views map[string]*view
}

func newTable(t *testing.T) *table {
	return &table{T: t, now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), views: map[string]*view{}}
}

// settle has a member settle incidents, and returns what it is told of each.
func (b *table) settle(member string, incidents ...alerts.Fault) map[string]alerts.Standing {
	b.Helper()
	p, err := decodePage(b.text)
	if err != nil {
		b.Fatal(err)
	}
	if b.views[member] == nil {
		b.views[member] = newView(member)
	}
	standings, changed, _ := b.views[member].settle(p, incidents, b.now)
	if changed {
		b.views[member].beaten = b.now
		if b.text, err = p.text(); err != nil {
			b.Fatal(err)
		}
	}
	return standings
}

// tells checks whether a member tells of an incident, and under which key.
func (b *table) tells(member string, in alerts.Fault, want string) {
	b.Helper()
	if s := b.settle(member, in)[in.Key]; s.Key != want || s.Own != (want != "") {
		b.Errorf("%s tells of %s: %+v, want %q", member, in.Key, s, want)
	}
}

func (b *table) after(d time.Duration) { b.now = b.now.Add(d) }

func incident(key string, since time.Time, asns ...uint32) alerts.Fault {
	return alerts.Fault{Key: key, Incident: key[1:], App: "shop", Target: "https://shop.example", Scope: model.Scope{ASNs: asns}, Severity: alerts.Critical, Since: since}
}

// TestOneTells: the first who sees a fault tells of it, and another one when that one is gone.
func TestOneTells(t *testing.T) {
	b := newTable(t)
	a1, b1 := incident("a1", b.now, 64500, 64501), incident("b7", b.now.Add(-time.Minute), 64501)
	b.tells("a", a1, "a1")
	b.tells("b", b1, "")
	a1.Told = []string{"pager"}
	for range 30 {
		b.after(beatEvery)
		b.tells("a", a1, "a1")
		b.tells("b", b1, "")
	}
	for range int(silent/time.Second) - 1 {
		b.after(time.Second)
		b.tells("b", b1, "")
	}
	b.after(time.Second)
	b.tells("b", b1, "a1")
	if s := b.settle("b", b1)["b7"]; !slices.Equal(s.Told, a1.Told) || s.Incident != "1" {
		t.Errorf("who has taken over knows %+v", s)
	}
	b1.Key = "a1" // as it is called from now on
	b.tells("a", a1, "")
	b1.Until = b.now
	b.tells("b", b1, "a1")
	a1.Until = b.now
	b.tells("a", a1, "")
}

// TestFaultsAreDistinct: faults of other scopes, other times and of one detector are not the same.
func TestFaultsAreDistinct(t *testing.T) {
	b := newTable(t)
	b.tells("a", incident("a1", b.now, 64500), "a1")
	b.tells("b", incident("b1", b.now, 64501), "b1")
	both := b.settle("c", incident("c1", b.now, 64500), incident("c2", b.now, 64500))
	if both["c1"].Own == both["c2"].Own {
		t.Errorf("two incidents of one detector are %+v", both)
	}
	b = newTable(t)
	b.tells("a", incident("a1", b.now, 64500), "a1")
	over := incident("a1", b.now, 64500)
	over.Until = b.now.Add(time.Minute)
	b.after(time.Minute)
	b.tells("a", over, "a1")
	b.tells("d", incident("d1", b.now.Add(lasting+time.Minute), 64500), "d1")
}

// TestItGoesOnElsewhere: a fault that has ended for its owner and lasts for another one is told of.
func TestItGoesOnElsewhere(t *testing.T) {
	b := newTable(t)
	a1, b1 := incident("a1", b.now), incident("b1", b.now)
	b.tells("a", a1, "a1")
	b.tells("b", b1, "")
	a1.Until = b.now
	b.tells("a", a1, "a1")
	b.tells("b", b1, "")
	b.after(lasting)
	b.tells("b", b1, "")
	b.after(time.Second)
	b.tells("b", b1, "b1")
}

// TestUrgency: who sees more urgently than people were told tells them, after some time in which
// the other one may see so, too.
func TestUrgency(t *testing.T) {
	b := newTable(t)
	a1, b1 := incident("a1", b.now), incident("b1", b.now)
	a1.Severity = alerts.Warning
	b.tells("a", a1, "a1")
	b.tells("b", b1, "")
	b.after(pressing)
	b.tells("a", a1, "a1")
	b.tells("b", b1, "")
	b.after(time.Second)
	b.tells("b", b1, "b1")
}

// TestNobodyIsLeft: a fault whose owner is gone for long is not the one that begins now, and is
// removed after some time.
func TestNobodyIsLeft(t *testing.T) {
	b := newTable(t)
	b.tells("a", incident("a1", b.now), "a1")
	b.after(2 * time.Hour)
	in := incident("b1", b.now)
	for range int(abandoned/beatEvery) + 2 {
		b.tells("b", in, "b1")
		b.after(beatEvery)
	}
	if p, err := decodePage(b.text); err != nil || len(p.Faults) != 1 {
		t.Errorf("%d faults are left, %v", len(p.Faults), err)
	}
}

// TestWhoCouldNotLook: what one that was cut off, or stood still, did not see change was not silent
// meanwhile: its owner has its time to renew its faults, too.
func TestWhoCouldNotLook(t *testing.T) {
	b := newTable(t)
	a1, b1 := incident("a1", b.now), incident("b1", b.now)
	b.tells("a", a1, "a1")
	b.tells("b", b1, "")
	b.after(time.Hour) // without a ledger for both
	b.tells("b", b1, "")
	b.after(beatEvery)
	b.tells("b", b1, "")
	b.tells("a", a1, "a1")
	for range int(silent / time.Second) {
		b.tells("b", b1, "")
		b.after(time.Second)
	}
	b.after(time.Second)
	b.tells("b", b1, "a1") // it is gone indeed
}

// TestClocksApart: a detector whose clock is hours ahead does not remove what others tell of.
func TestClocksApart(t *testing.T) {
	b := newTable(t)
	since, real := b.now, b.now
	for range 100 {
		b.now = real
		b.tells("a", incident("a1", since, 64500), "a1")
		b.now = real.Add(3 * time.Hour)
		b.tells("b", incident("b1", since, 64501), "b1")
		real = real.Add(beatEvery)
	}
	if p, err := decodePage(b.text); err != nil || len(p.Faults) != 2 {
		t.Errorf("%d faults are left, %v", len(p.Faults), err)
	}
}

// TestAFaultThatComesAndGoes: a target with many short faults does not fill its page, since nobody
// looks at it in between.
func TestAFaultThatComesAndGoes(t *testing.T) {
	b := newTable(t)
	for i := range 3 * maxFaults {
		key := fmt.Sprintf("a%d", i)
		a, other := incident(key, b.now, 64500), incident(fmt.Sprintf("b%d", i), b.now, 64500)
		b.tells("a", a, key)
		b.tells("b", other, "")
		b.after(time.Minute)
		a.Until, other.Until = b.now, b.now
		b.tells("a", a, key)
		b.tells("b", other, "")
		b.views = map[string]*view{} // as Ledger forgets pages without incidents
		b.after(20 * time.Minute)
	}
	if p, err := decodePage(b.text); err != nil || len(p.Faults) > maxFaults {
		t.Errorf("%d faults are left, %v", len(p.Faults), err)
	}
}

// TestBothHaveTold: two that told of a fault without a ledger each tell of its end.
func TestBothHaveTold(t *testing.T) {
	b := newTable(t)
	a1, b1 := incident("a1", b.now), incident("b1", b.now)
	a1.Told, b1.Told = []string{"pager"}, []string{"pager"}
	b.tells("a", a1, "a1")
	b.tells("b", b1, "b1")
	b.after(time.Second)
	b.tells("b", b1, "b1")
	if !b.views["b"].apart["b1"] {
		t.Error("it is not noted")
	}
}

// TestPages: this release reads what a later one adds, and refuses a later version.
func TestPages(t *testing.T) {
	const golden = `{"v":1,"faults":[{"key":"heliograph/x/1","incident":"1","owner":"d1","alive":"2026-11-30T12:00:00Z","severity":"critical",` +
		`"scope":{"ASNs":[64500],"Countries":null,"Servers":null,"Versions":null,"Systems":null,"Protocols":null,"Statuses":null,"Collectors":null},` +
		`"since":"2026-11-30T11:59:00Z","told":["pager"]}]}`
	p, err := decodePage([]byte(golden))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := p.text(); err != nil || string(text) != golden {
		t.Errorf("it is written as %s, %v", text, err)
	}
	if p, err := decodePage([]byte(`{"v":1,"more":1,"faults":[{"key":"k","owner":"d1","more":[]},null,{}]}`)); err != nil || len(p.Faults) != 1 {
		t.Errorf("a later release's page: %+v, %v", p, err)
	}
	if _, err := decodePage([]byte(`{"v":2}`)); !errors.Is(err, errVersion) {
		t.Errorf("another version: %v", err)
	}
}

func FuzzPage(f *testing.F) {
	f.Add([]byte(`{"v":1,"faults":[{"key":"k","owner":"d1"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := decodePage(text)
		if err != nil {
			return
		}
		now := time.Unix(1e9, 0)
		newView("d1").settle(p, []alerts.Fault{incident("k1", now)}, now)
		if _, err := p.text(); err != nil {
			t.Fatal(err)
		}
	})
}
