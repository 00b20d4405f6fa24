package sqlitestore

import (
	"path/filepath"
	"strings"
	"testing"
)

// Forgetting unknown clients reads no samples, however many are stored.
func TestForgettingFindsSamplesByClient(t *testing.T) {
	events, state, err := Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	defer state.Close()
	var plan []string
	rows, err := events.readers.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+forgetSQL(32), clientArgs(make([]uint64, 32))...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, detail)
	}
	if text := strings.Join(plan, "; "); !strings.Contains(text, "samples_client") || strings.Contains(text, "SCAN samples") {
		t.Errorf("samples of clients are deleted by %q, want the index of clients", text)
	}
}
