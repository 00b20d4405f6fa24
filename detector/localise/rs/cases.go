package rs

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/heliograph-net/heliograph/detector/localise"
)

const (
	maxAttributes = localise.MaxAttributes
	maxValues     = 1 << 16 // distinct values of an attribute
	maxSums       = 1 << 21 // leaves over all minutes that are explained
)

// cases holds the sums by combination for each minute that is to be explained.
type cases struct {
	names  []string
	ids    []map[string]uint32 // by attribute
	values [][]string          // by attribute and id; the first is that of the unknown
	index  map[string]int      // from a combination's ids to its place
	combos [][]uint32          // by place
	leaves [][]localise.Leaf   // by minute and place
	key    []byte
}

func newCases(names []string, minutes int) *cases {
	t := &cases{names: names, index: make(map[string]int), leaves: make([][]localise.Leaf, minutes)}
	for range names {
		t.ids = append(t.ids, make(map[string]uint32))
		t.values = append(t.values, []string{""})
	}
	return t
}

// row adds one row to the minutes that it concerns.
func (t *cases) row(record []string, c columns, at []int64) error {
	start, err := parseMinute(record[c.minute])
	if err != nil {
		return err
	}
	failed, err := parseCount("value", record[c.failed])
	if err != nil {
		return err
	}
	requests, err := parseCount("cnt", record[c.requests])
	if err != nil {
		return err
	}
	place, err := t.place(record, c)
	if err != nil {
		return err
	}
	for i, at := range at {
		switch age := at - start; {
		case age < 0 || age >= hour+minute:
		case age < minute:
			l := t.leaf(i, place)
			l.Failed += failed
			l.Requests += requests
		default:
			l := t.leaf(i, place)
			l.UsualFailed += failed
			l.UsualRequests += requests
		}
	}
	return nil
}

func (t *cases) leaf(i, place int) *localise.Leaf {
	for len(t.leaves[i]) <= place {
		t.leaves[i] = append(t.leaves[i], localise.Leaf{})
	}
	return &t.leaves[i][place]
}

// place finds a row's combination. What is beyond the limit shares the last place, of
// unknown values.
func (t *cases) place(record []string, c columns) (int, error) {
	ids := make([]uint32, len(c.attributes))
	t.key = t.key[:0]
	for a, i := range c.attributes {
		if len(record[i]) > maxValue {
			return 0, fmt.Errorf("%s: the value is longer than %d bytes", c.names[a], maxValue)
		}
		ids[a] = t.id(a, record[i])
		t.key = binary.BigEndian.AppendUint32(t.key, ids[a])
	}
	place, known := t.index[string(t.key)]
	if known {
		return place, nil
	}
	place = len(t.combos)
	if place >= min(localise.MaxLeaves, maxSums/len(t.leaves)) {
		clear(t.combos[place-1])
		return place - 1, nil
	}
	t.index[string(t.key)] = place
	t.combos = append(t.combos, ids)
	return place, nil
}

func (t *cases) id(a int, value string) uint32 {
	if value == "" {
		return localise.Unknown
	}
	id, known := t.ids[a][value]
	if !known {
		if len(t.values[a]) == maxValues {
			return localise.Unknown
		}
		id, value = uint32(len(t.values[a])), strings.Clone(value)
		t.ids[a][value] = id
		t.values[a] = append(t.values[a], value)
	}
	return id
}

// table returns the leaves of one minute.
func (t *cases) table(i int) *localise.Table {
	table := localise.NewTable(t.names...)
	for place, l := range t.leaves[i] {
		if l != (localise.Leaf{}) {
			table.Add(t.combos[place], l)
		}
	}
	return table
}

func (t *cases) scope(e *localise.Explanation) map[string]string {
	scope := make(map[string]string, len(e.Terms))
	for _, term := range e.Terms {
		scope[t.names[term.Attribute]] = t.values[term.Attribute][term.Values[0]]
	}
	return scope
}
