package sqlitestore

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// Judging has connections of its own, however many connections people's queries hold.
func TestQueriesCannotStarveJudging(t *testing.T) {
	events, state, err := Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	defer events.Close()
	for range 4 { // all of them
		rows, err := events.asked.Query("SELECT 1 UNION SELECT 2")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		rows.Next()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := events.Cells(ctx, time.UnixMilli(0), time.Now()); err != nil {
		t.Error(err)
	}
	if _, err := state.Evaluated(ctx); err != nil {
		t.Error(err)
	}
	if _, err := state.Cursor(ctx, "c1"); err != nil {
		t.Error(err)
	}

	for range maxCostly {
		done, err := events.askMuch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer done()
	}
	soon, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer end()
	if _, err := events.Totals(soon, model.TotalsQuery{}); err == nil || soon.Err() == nil {
		t.Errorf("one query more that reads much: %v", err)
	}
}
