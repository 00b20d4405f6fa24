package model

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

func TestDimensionsAreNamedAndParsed(t *testing.T) {
	want := []string{"type", "app", "target", "asn", "country", "server", "protocol", "status", "source"}
	if got := AllDimensions.Names(); !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	for i, name := range want {
		d, err := ParseDimension(name)
		if err != nil || d != Dimension(i+1) || d.String() != name {
			t.Errorf("%s is %d (%v), %v", name, d, d, err)
		}
	}
	for _, name := range []string{"", "ASN", "colour", "unknown"} {
		if d, err := ParseDimension(name); !errors.Is(err, ErrQuery) || d != 0 {
			t.Errorf("%q is %v, %v; want ErrQuery", name, d, err)
		}
	}
	if s := Dimension(200).String() + Dimension(0).String(); s != "unknownunknown" {
		t.Errorf("names of no dimension: %s", s)
	}
}

func TestDimensionsAreASet(t *testing.T) {
	s := DimensionsOf(BySource, ByASN, ByASN, Dimension(200), Dimension(0))
	if !slices.Equal(slices.Collect(s.Each()), []Dimension{ByASN, BySource}) || s.String() != "asn, source" {
		t.Errorf("%v", s)
	}
	if !s.Has(ByASN) || s.Has(ByApp) || s.Has(0) || s.Has(200) || Dimensions(0).Has(0) || Dimensions(1).Has(0) {
		t.Error("Has is wrong")
	}
}

// Every dimension must have a field, a value and a case in Only, so that none is forgotten when it
// is added.
func TestEveryDimensionIsAField(t *testing.T) {
	full := Series{App: "a", Target: "t", Outcome: report.OK, Protocol: "h2", Status: 7, Server: "s",
		ASN: 9, Country: "XA", Source: report.SourceBrowser}
	if got := full.Only(AllDimensions); got != full {
		t.Errorf("Only(all) is %+v", got)
	}
	if n := reflect.TypeFor[Series]().NumField() - 1; n != len(AllDimensions.Names()) {
		t.Errorf("%d dimensions for %d fields but Flags", len(AllDimensions.Names()), n)
	}
	seen := map[string]bool{}
	for d := range AllDimensions.Each() {
		one := full.Only(DimensionsOf(d))
		if one == (Series{}) || full.Only(AllDimensions&^DimensionsOf(d)) == full {
			t.Errorf("%v: Only gives %+v", d, one)
		}
		if v := full.Value(d); v == "" || seen[v] {
			t.Errorf("%v has value %q", d, v)
		} else {
			seen[v] = true
		}
	}
	full.Flags = report.FlagRetry
	if full.Only(AllDimensions).Flags != 0 {
		t.Error("flags are no dimension")
	}
}

func TestDelivery(t *testing.T) {
	for s, want := range map[Series]bool{
		{App: DeliveryApp, Target: CollectorTarget + "c1"}: true,
		{App: "shop", Target: CollectorTarget + "c1"}:      false,
		{App: DeliveryApp, Target: "https://shop.example"}: false,
	} {
		if s.Delivery() != want {
			t.Errorf("%+v: want %v", s, want)
		}
	}
}

func TestCloneSharesNothing(t *testing.T) {
	i := Incident{ID: 1, Also: []report.Outcome{report.TCPReset}, Evidence: []Signal{{SignalExcess, "e"}},
		Scope: Scope{ASNs: []uint32{1}, Countries: []string{"XA"}, Servers: []string{"s"}}}
	c := i.Clone()
	if !reflect.DeepEqual(c, i) || !c.Scope.Equal(i.Scope) {
		t.Fatalf("%+v", c)
	}
	c.Also[0], c.Evidence[0].Text, c.Scope.ASNs[0], c.Scope.Countries[0], c.Scope.Servers[0] = "x", "x", 2, "x", "x"
	if i.Also[0] == "x" || i.Evidence[0].Text == "x" || i.Scope.ASNs[0] == 2 || i.Scope.Countries[0] == "x" || i.Scope.Servers[0] == "x" {
		t.Error("the original changed")
	}
}
