package localise

import (
	"cmp"
	"slices"
)

// Term says that an attribute has one of some values.
type Term struct {
	Attribute int      // index into the table's attributes
	Values    []uint32 // ids as given to [Table.Add], sorted; at least one
}

// Explanation is a set of requests, and how well it explains the failures.
type Explanation struct {
	Terms []Term // all must hold; sorted by attribute; empty for everyone

	Score    float64 // evidence in nats, less the price of the choice; comparable within one table
	Share    float64 // part of all failures beyond expectation that lies within, 0 to 1
	Ratio    float64 // failed by expected requests
	Failed   float64
	Requests float64
	Expected float64 // failures that would have been usual
	Buckets  float64 // sum of [Leaf.Buckets]

	// Children are the values of the other attributes with the most failures beyond expectation
	// within the first explanation, at most five for each attribute. They tell whether it is hit
	// evenly. The other explanations have none.
	Children []Child
}

// Child is the part of an explanation with one more value fixed.
type Child struct {
	Attribute int
	Value     uint32
	Failed    float64
	Requests  float64
	Expected  float64
}

// Everyone reports whether the explanation covers all requests.
func (e *Explanation) Everyone() bool { return len(e.Terms) == 0 }

// Values returns the values that the explanation names of an attribute, and nil if it names none.
// The caller must not change them.
func (e *Explanation) Values(attribute int) []uint32 {
	for _, t := range e.Terms {
		if t.Attribute == attribute {
			return t.Values
		}
	}
	return nil
}

// Equal reports whether both cover the same values of the same attributes.
func (e *Explanation) Equal(o *Explanation) bool {
	return slices.EqualFunc(e.Terms, o.Terms, func(a, b Term) bool {
		return a.Attribute == b.Attribute && slices.Equal(a.Values, b.Values)
	})
}

// compareTerms orders explanations for which nothing else decides: fewer attributes, fewer values,
// earlier attributes, smaller ids.
func compareTerms(a, b []Term) int {
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	for i := range a {
		if c := cmp.Or(cmp.Compare(len(a[i].Values), len(b[i].Values)),
			cmp.Compare(a[i].Attribute, b[i].Attribute), slices.Compare(a[i].Values, b[i].Values)); c != 0 {
			return c
		}
	}
	return 0
}
