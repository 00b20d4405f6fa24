package faults

import (
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/source"
)

var update = flag.Bool("update", false, "write what was seen into docs/outcomes.md")

// document has one table; each test writes a column of it.
const document = "docs/outcomes.md"

// Seen is what each client of an agent, by its name, made of each fault, by the fault's name.
type Seen map[string]map[string]report.Outcome

// Check compares what was seen with the column of docs/outcomes.md, which has it for readers. With
// the test's flag -update it writes the column instead; run one package at a time then.
func (s *Servers) Check(t testing.TB, column string, seen Seen) {
	t.Helper()
	b, err := os.ReadFile(source.Path(document))
	must(t, err)
	lines := strings.Split(string(b), "\n")
	first := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "| fault |") })
	if first < 0 {
		t.Fatalf("%s has no table that begins with | fault |", document)
	}
	at := slices.Index(cells(lines[first]), column)
	if at < 0 {
		t.Fatalf("%s has no column %s", document, column)
	}
	rows := make(map[string]int) // fault: its line
	for i := first + 2; i < len(lines) && strings.HasPrefix(lines[i], "|"); i++ {
		rows[cells(lines[i])[0]] = i
	}
	for _, f := range s.Faults {
		i, found := rows[f.Name]
		if !found {
			t.Errorf("%s has no row %q: write one", document, f.Name)
			continue
		}
		row := cells(lines[i])
		got := seen.of(f.Name)
		delete(rows, f.Name)
		switch {
		case f.URL == NoName && !Resolves():
			t.Logf("not compared: this machine's resolver does not answer: %s: %s", f.Name, got)
		case *update:
			row[at] = got
			lines[i] = "| " + strings.Join(row, " | ") + " |"
		case row[at] != got:
			t.Errorf("%s: %s: %s; %s says %s (with -update the test writes what it has seen)", column, f.Name, got, document, row[at])
		}
	}
	for name := range rows {
		t.Errorf("%s has a row %q, which is no fault", document, name)
	}
	if *update && !t.Failed() {
		must(t, os.WriteFile(source.Path(document), []byte(strings.Join(lines, "\n")), 0o644))
	}
}

func cells(line string) []string {
	all := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|"), "|")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// of says what the clients made of a fault: one outcome if they agree, else each with its clients;
// a dash if nobody tried.
func (s Seen) of(fault string) string {
	clients := make(map[report.Outcome][]string)
	for _, client := range slices.Sorted(maps.Keys(s)) {
		o := s[client][fault]
		clients[o] = append(clients[o], client)
	}
	var parts []string
	for _, o := range slices.Sorted(maps.Keys(clients)) {
		text := "`" + string(o) + "`"
		if o == "" {
			text = "—"
		}
		if len(clients) > 1 {
			text += " (" + strings.Join(clients[o], ", ") + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}
