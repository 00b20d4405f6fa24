package localise

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// grid returns the leaves of 20 servers, 10 countries and 2 protocols; those that hit
// holds of fail.
func grid(hit func(server, country, protocol uint32) bool) (values [][3]uint32, leaves []Leaf) {
	for server := range uint32(20) {
		for country := range uint32(10) {
			for protocol := range uint32(2) {
				l := Leaf{Failed: 1, Requests: 30, UsualFailed: 100, UsualRequests: 3000, Buckets: 1}
				if hit(server+1, country+1, protocol+1) {
					l.Failed, l.Buckets = 25, 12
				}
				values = append(values, [3]uint32{server + 1, country + 1, protocol + 1})
				leaves = append(leaves, l)
			}
		}
	}
	return values, leaves
}

func tableOf(values [][3]uint32, leaves []Leaf) *Table {
	t := NewTable("server", "country", "protocol")
	for i := range leaves {
		t.Add(values[i][:], leaves[i])
	}
	return t
}

func explain(t *testing.T, table *Table, o Options) Explanation {
	t.Helper()
	list := Explain(table, o)
	if len(list) == 0 {
		t.Fatal("no explanation")
	}
	return list[0]
}

func TestParentOrChild(t *testing.T) {
	for _, c := range []struct {
		name string
		hit  func(server, country, protocol uint32) bool
		want []Term
	}{
		{"a server", func(s, c, p uint32) bool { return s == 3 }, []Term{one(0, 3)}},
		{"servers", func(s, c, p uint32) bool { return s < 7 }, []Term{one(0, 1, 2, 3, 4, 5, 6)}},
		{"a server from a country", func(s, c, p uint32) bool { return s == 3 && c == 4 }, []Term{one(0, 3), one(1, 4)}},
		{"a server from two countries", func(s, c, p uint32) bool { return s == 3 && c < 3 }, []Term{one(0, 3), one(1, 1, 2)}},
		{"three attributes", func(s, c, p uint32) bool { return s < 3 && c == 4 && p == 1 }, []Term{one(0, 1, 2), one(1, 4), one(2, 1)}},
		{"everyone", func(s, c, p uint32) bool { return true }, nil},
		{"nearly everyone", func(s, c, p uint32) bool { return s > 1 || c > 5 }, nil},
	} {
		got := explain(t, tableOf(grid(c.hit)), Options{})
		if compareTerms(got.Terms, c.want) != 0 {
			t.Errorf("%s: %v, want %v", c.name, got.Terms, c.want)
		}
		if got.Share < 0.9 || got.Ratio < 10 || got.Failed <= got.Expected || got.Requests < got.Failed {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestOrderDoesNotMatter(t *testing.T) {
	values, leaves := grid(func(s, c, p uint32) bool { return s == 3 && c < 3 })
	for i := range leaves {
		leaves[i].UsualFailed += float64(i%7) / 3 // sums that depend on the order of adding
	}
	want := Explain(tableOf(values, leaves), Options{})
	r := rand.New(rand.NewPCG(1, 1))
	for range 5 {
		r.Shuffle(len(leaves), func(i, j int) {
			leaves[i], leaves[j] = leaves[j], leaves[i]
			values[i], values[j] = values[j], values[i]
		})
		got := Explain(tableOf(values, leaves), Options{})
		if !slices.EqualFunc(got, want, func(a, b Explanation) bool { return a.Equal(&b) && a.Score == b.Score }) {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}

func TestNothingToExplain(t *testing.T) {
	if got := Explain(NewTable("server"), Options{}); got != nil {
		t.Errorf("empty table: %v", got)
	}
	if got := Explain(tableOf(grid(func(s, c, p uint32) bool { return false })), Options{}); len(got) > 0 && got[0].Score > 0 {
		t.Errorf("calm: %+v", got[0])
	}
	calm := NewTable("server")
	calm.Add([]uint32{1}, Leaf{Requests: 100, UsualRequests: 100})
	if got := Explain(calm, Options{}); got != nil {
		t.Errorf("no failures: %v", got)
	}
}

func TestUnknownIsNeverNamed(t *testing.T) {
	values, leaves := grid(func(s, c, p uint32) bool { return s == 3 })
	for i := range values {
		if values[i][0] == 3 {
			values[i][0] = Unknown
		}
	}
	for _, e := range Explain(tableOf(values, leaves), Options{}) {
		for _, term := range e.Terms {
			if slices.Contains(term.Values, Unknown) {
				t.Errorf("%v", e.Terms)
			}
		}
	}
}

// A network that is all of its country is the network, if that attribute comes first.
func TestSameRequestsAreNamedByTheFirstAttribute(t *testing.T) {
	for _, first := range []string{"asn", "country"} {
		table := NewTable(first, "other")
		for v := range uint32(30) {
			l := Leaf{Failed: 1, Requests: 50, UsualFailed: 100, UsualRequests: 5000}
			if v == 4 {
				l.Failed = 48
			}
			table.Add([]uint32{v + 1, v/2*2 + 1 + v%2}, l)
		}
		if got := explain(t, table, Options{}); len(got.Terms) != 1 || got.Terms[0].Attribute != 0 {
			t.Errorf("%s first: %v", first, got.Terms)
		}
	}
}

func TestWithout(t *testing.T) {
	table := tableOf(grid(func(s, c, p uint32) bool { return s == 3 || c == 7 && p == 1 }))
	first := explain(t, table, Options{})
	second := explain(t, table, Options{Without: []Explanation{first}})
	both := []Explanation{first, second}
	slices.SortFunc(both, func(a, b Explanation) int { return compareTerms(a.Terms, b.Terms) })
	if compareTerms(both[0].Terms, []Term{one(0, 3)}) != 0 || compareTerms(both[1].Terms, []Term{one(1, 7), one(2, 1)}) != 0 {
		t.Errorf("%v and %v", both[0].Terms, both[1].Terms)
	}
	if third := Explain(table, Options{Without: both}); len(third) > 0 && third[0].Score > clearlyHit {
		t.Errorf("there is no third: %+v", third[0])
	}
}

func TestChildren(t *testing.T) {
	got := explain(t, tableOf(grid(func(s, c, p uint32) bool { return s == 3 })), Options{})
	countries := 0
	for _, c := range got.Children {
		if c.Attribute == 0 || c.Failed <= c.Expected {
			t.Errorf("%+v", c)
		}
		if c.Attribute == 1 {
			countries++
		}
	}
	if countries != mostChildren || len(got.Children) != mostChildren+2 {
		t.Errorf("%d countries of %d children", countries, len(got.Children))
	}
}

// One source that speaks of many servers names none of them.
func TestMinBuckets(t *testing.T) {
	values, leaves := grid(func(s, c, p uint32) bool { return s == 3 })
	for i := range leaves {
		leaves[i].Buckets = 1
		if values[i][0] == 3 {
			leaves[i].Buckets = 0.01
		}
	}
	if got := explain(t, tableOf(values, leaves), Options{MinBuckets: 2}); !got.Everyone() {
		t.Errorf("%v", got.Terms)
	}
}

// A flood of leaves with invented values stays within bounds and hides nothing: neither the fault,
// nor does it get any of the invented values named.
func TestForgedLeaves(t *testing.T) {
	values, leaves := grid(func(s, c, p uint32) bool { return s == 3 })
	table := tableOf(values, leaves)
	r := rand.New(rand.NewPCG(2, 2))
	for range MaxLeaves + 1000 {
		table.Add([]uint32{100 + r.Uint32N(1<<30), 1 + r.Uint32N(10), 1}, Leaf{Failed: 1, Requests: 1, Buckets: 1e-5})
	}
	if table.Len() != MaxLeaves || table.Merged() != 1000+len(leaves) {
		t.Errorf("%d leaves, %d merged", table.Len(), table.Merged())
	}
	found := false
	for _, e := range Explain(table, Options{MinBuckets: 2, MaxPerBucket: 10}) {
		for _, term := range e.Terms {
			if term.Attribute == 0 && slices.ContainsFunc(term.Values, func(v uint32) bool { return v >= 100 }) {
				t.Errorf("an invented server is named: %v", e.Terms)
			}
		}
		found = found || compareTerms(e.Terms, []Term{one(0, 3)}) == 0
	}
	if !found {
		t.Error("the fault is hidden")
	}
}

func TestResetKeepsNothing(t *testing.T) {
	table := tableOf(grid(func(s, c, p uint32) bool { return s == 3 }))
	table.Reset()
	values, leaves := grid(func(s, c, p uint32) bool { return c == 4 })
	for i := range leaves {
		table.Add(values[i][:], leaves[i])
	}
	if got, want := Explain(table, Options{}), Explain(tableOf(values, leaves), Options{}); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestMissingValuesAreUnknown(t *testing.T) {
	table := NewTable("server", "country")
	table.Add(nil, Leaf{Failed: 10, Requests: 10, UsualRequests: 1000})
	table.Add([]uint32{1}, Leaf{Requests: 10, UsualRequests: 1000})
	if got := explain(t, table, Options{}); !got.Everyone() {
		t.Errorf("%v", got.Terms)
	}
}
