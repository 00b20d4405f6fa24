package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector/stores"
)

// TestMigrationTellsHowFarItIs: the part, the rows, the rate of this run, and how long the rest
// takes.
func TestMigrationTellsHowFarItIs(t *testing.T) {
	for want, p := range map[string]*stores.MigrationProgress{
		"opening the file and ClickHouse":                     nil,
		"cells: 300 of 1000 rows moved":                       {Part: "cells", Done: 300, Total: 1000, Before: 300},
		"cells: 700 of 1000 rows moved, 40 a second, 8s left": {Part: "cells", Done: 700, Total: 1000, Before: 300},
		"all 1000 rows are moved; comparing samples":          {Part: "samples", Done: 1000, Total: 1000, Checking: true},
		"deleting the reports from the file":                  {Done: 1000, Total: 1000, Checking: true, Deleting: true},
	} {
		if got := migrationText(p, 10*time.Second); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestMigrationReport: what a migration prints for people says what becomes of the file, and JSON
// has the same.
func TestMigrationReport(t *testing.T) {
	r := stores.MigrationReport{From: "store.db", Server: "18.16.1", Parts: []stores.MigratedPart{{Name: "cells", Rows: 900, Days: 2}, {Name: "unjudged", Rows: 100}},
		Moved: 1000, Took: 4 * time.Second}
	printed := func(r stores.MigrationReport, dry bool) string {
		var b bytes.Buffer
		printMigration(&output{stdout: &b}, &r, dry)
		return b.String()
	}
	before, deleted := r, r
	before.Ended, deleted.Deleted = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), true
	both := before
	both.Deleted = true
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"moved":   {printed(r, false), []string{"is in ClickHouse 18.16.1", "900  cells, 2 days\n", "1000 rows were moved in 4s, 250 a second", "keeps its reports", "--delete"}},
		"dry":     {printed(stores.MigrationReport{From: r.From, Server: r.Server, Parts: r.Parts}, true), []string{"Nothing was changed", "900  cells\n"}},
		"deleted": {printed(deleted, false), []string{"The reports are deleted from the file"}},
		"before":  {printed(before, false), []string{"was moved on 2026-11-30 12:00:00 already", "keeps its reports"}},
		"both":    {printed(both, false), []string{"It has no reports any more"}},
	} {
		for _, w := range tt.want {
			if !strings.Contains(tt.text, w) {
				t.Errorf("%s: no %q in\n%s", name, w, tt.text)
			}
		}
	}
	var b bytes.Buffer
	if err := (&output{stdout: &b}).json(newMigrated(&before, false)); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"from": "store.db", "server": "18.16.1", "dry_run": false, "deleted": false, "rows_moved": 1000., "rows_per_second": 250.,
		"moved_before": "2026-11-30T12:00:00Z"} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if parts, _ := got["parts"].([]any); len(parts) != 2 || parts[0].(map[string]any)["days_compared"] != 2. {
		t.Errorf("parts are %v", got["parts"])
	}
	if code, _, stderr := invoke(t, "migrate", "--dry-run", "--delete"); code != exitUsage || !strings.Contains(stderr, "--dry-run") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
