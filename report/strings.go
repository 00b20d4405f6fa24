package report

import (
	"slices"

	"github.com/heliograph-net/heliograph/report/cbor"
)

// appendStrings appends a table of strings, which must be sorted bytewise and without duplicates.
func appendStrings(dst []byte, table []string) []byte {
	dst = cbor.AppendArray(dst, len(table))
	for _, s := range table {
		dst = cbor.AppendText(dst, s)
	}
	return dst
}

// indexIn returns the index of s in table, which must contain it.
func indexIn(table []string, s string) uint64 {
	i, _ := slices.BinarySearch(table, s)
	return uint64(i)
}

// stringTable is a decoded table of strings that remembers which of them were used.
type stringTable struct {
	all  []string
	used []bool
}

func decodeStrings(d *cbor.Decoder, max int) stringTable {
	table := make([]string, 0, d.Array(max))
	for i := range cap(table) {
		s := d.Text(MaxString)
		if i > 0 && s <= table[i-1] {
			d.Fail("strings are not sorted, or one is there twice")
			return stringTable{}
		}
		table = append(table, s)
	}
	return stringTable{table, make([]bool, len(table))}
}

// read reads an index and returns its string.
func (t stringTable) read(d *cbor.Decoder) string { return t.at(d, d.Uint()) }

// at returns the string at index i.
func (t stringTable) at(d *cbor.Decoder, i uint64) string {
	if i >= uint64(len(t.all)) {
		d.Fail("no such string")
		return ""
	}
	t.used[i] = true
	return t.all[i]
}

// unused reports whether some string was never used.
func (t stringTable) unused() bool { return slices.Contains(t.used, false) }
