package verdict

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The table in docs/verdicts.md is this one.
func TestDocs(t *testing.T) {
	doc, err := os.ReadFile("../../docs/verdicts.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString("| | verdict | holds when | wakes people |\n|---|---|---|---|\n")
	for i, r := range rules {
		pages := "yes"
		if !Pages(r.verdict) {
			pages = "no"
		}
		fmt.Fprintf(&want, "| %d | [`%s`](runbooks/%s.md) | %s | %s |\n", i+1, r.verdict, strings.ReplaceAll(string(r.verdict), "_", "-"), r.when, pages)
	}
	if !strings.Contains(string(doc), want.String()) {
		t.Errorf("docs/verdicts.md does not have the table of rules:\n%s", want.String())
	}
	for _, r := range rules {
		if _, err := os.Stat("../../docs/runbooks/" + strings.ReplaceAll(string(r.verdict), "_", "-") + ".md"); err != nil {
			t.Error(err)
		}
	}
}
