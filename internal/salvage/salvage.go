// Package salvage describes what became of a damaged database, so that commands can tell without
// knowing how it is kept.
package salvage

import (
	"fmt"
	"strings"
)

// Report says what became of one file.
type Report struct {
	Path  string
	Whole bool   // it was not damaged, and nothing was changed
	Fault string // what was found to be wrong
	Aside string // where the damaged file is now
	// Header means that the first page was lost and replaced by that of an empty file.
	Header bool
	Tables []Table // those that had rows, or that lost some
}

// Table says what became of one table.
type Table struct {
	Name    string
	Kept    int64
	Refused int64 // rows that could be read and made no sense
	// Gaps are the keys between which nothing could be read. Nobody knows how many rows were there.
	Gaps []Gap
	Err  error // why the rest could not be read; nil if the gaps are all
}

// Gap is the part of a table between two keys that could be read; nil is an end of the table.
type Gap struct{ After, Before any }

// Lost reports whether anything of the file was lost.
func (r *Report) Lost() bool {
	for i := range r.Tables {
		if r.Tables[i].Lost() {
			return true
		}
	}
	return false
}

// Lost reports whether anything of the table was lost.
func (t *Table) Lost() bool { return t.Refused > 0 || len(t.Gaps) > 0 || t.Err != nil }

// String describes the table in one line.
func (t *Table) String() string {
	text := fmt.Sprintf("%s: %d rows kept", t.Name, t.Kept)
	if t.Refused > 0 {
		text += fmt.Sprintf(", %d that made no sense left out", t.Refused)
	}
	const most = 3
	var gaps []string
	for _, g := range t.Gaps[:min(len(t.Gaps), most)] {
		gaps = append(gaps, fmt.Sprintf("between %s and %s", key(g.After, "the beginning"), key(g.Before, "the end")))
	}
	if more := len(t.Gaps) - most; more > 0 {
		gaps = append(gaps, fmt.Sprintf("in %d more places", more))
	}
	if len(gaps) > 0 {
		text += ", unreadable " + strings.Join(gaps, ", ")
	}
	if t.Err != nil {
		text += fmt.Sprintf(", the rest unreadable (%v)", t.Err)
	}
	return text
}

func key(k any, end string) string {
	switch k := k.(type) {
	case nil:
		return end
	case []byte:
		return fmt.Sprintf("%x", k)
	default:
		return fmt.Sprint(k)
	}
}
