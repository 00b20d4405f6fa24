// Package salvage describes the result of repairing a database, so that commands can report it
// without knowing how the database is stored. Start with [Report].
package salvage

import (
	"fmt"
	"strings"
)

// Report is the result for one file.
type Report struct {
	Path  string
	Whole bool   // the file was not damaged, and nothing was changed
	Fault string // the damage that was found
	Aside string // where the damaged file is now
	// Header means that the first page was lost and replaced by that of an empty file.
	Header bool
	Tables []Table // tables that had rows or lost some
}

// Table is the result for one table.
type Table struct {
	Name    string
	Kept    int64
	Refused int64 // rows that could be read but are not valid
	// Gaps are the key ranges that could not be read. The number of rows in them is unknown.
	Gaps []Gap
	Err  error // why the table could not be read further; nil if only the gaps are missing
}

// Gap is a range that could not be read, between two keys that could be; nil is an end of the
// table.
type Gap struct{ After, Before any }

// Lost reports whether any data of the file was lost.
func (r *Report) Lost() bool {
	for i := range r.Tables {
		if r.Tables[i].Lost() {
			return true
		}
	}
	return false
}

// Lost reports whether any data of the table was lost.
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
