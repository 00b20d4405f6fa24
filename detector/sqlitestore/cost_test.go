package sqlitestore

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// set gives a limit another value for one test.
func set[T any](t *testing.T, limit *T, value T) {
	t.Helper()
	before := *limit
	*limit = value
	t.Cleanup(func() { *limit = before })
}

// A query that would cost too much is refused before it runs. The error says what to narrow, and
// the narrowed query works.
func TestCostlyQueriesAreRefused(t *testing.T) {
	events, err := OpenEvents(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	start := time.UnixMilli(1_700_000_000_000)
	b := detector.Batch{ID: report.BatchID{1}, Received: start}
	for bin := range 30 {
		for n := range 10 {
			b.Counts = append(b.Counts, model.Count{Client: 1, Raw: 1, Estimated: 1, End: start.Add(time.Duration(bin+1) * time.Minute),
				Series: model.Series{App: "shop", Target: fmt.Sprintf("https://%d.example", n), Outcome: report.OK, ASN: uint32(n), Server: fmt.Sprint(n)}})
		}
	}
	if _, err := events.Append(t.Context(), &detector.FeedPage{Feed: "c1", Cursor: 1, Batches: []detector.Batch{b}}); err != nil {
		t.Fatal(err)
	}
	ask := func(q model.TotalsQuery) (*model.CostError, error) {
		_, err := events.Totals(t.Context(), q)
		cost, _ := errors.AsType[*model.CostError](err)
		return cost, err
	}
	all := model.TotalsQuery{By: model.AllDimensions}
	if _, err := ask(all); err != nil {
		t.Errorf("all that there is: %v", err)
	}

	t.Run("sums", func(t *testing.T) {
		set(t, &maxCellsRead, 95)
		cost, err := ask(all)
		if cost == nil || cost.Since.IsZero() || !strings.Contains(err.Error(), "shorter time, since") {
			t.Fatalf("%v, want a *model.CostError that says since when", err)
		}
		if want := start.Add(21 * time.Minute); !cost.Since.Equal(want) {
			t.Errorf("since %v, want %v", cost.Since, want)
		}
		if _, err := ask(model.TotalsQuery{Since: cost.Since, By: model.AllDimensions}); err != nil {
			t.Errorf("as it was told: %v", err)
		}
		if _, err := ask(model.TotalsQuery{Until: start.Add(9 * time.Minute)}); err != nil {
			t.Errorf("nine bins long ago: %v", err)
		}
		if _, err := events.Reachability(t.Context(), model.ReachQuery{Since: start, Step: time.Minute}); !errors.As(err, &cost) {
			t.Errorf("reachability: %v", err)
		}
		if _, err := events.Servers(t.Context(), start); !errors.As(err, &cost) {
			t.Errorf("servers: %v", err)
		}
	})
	t.Run("groups", func(t *testing.T) {
		set(t, &maxGroups, 5)
		for by, refused := range map[model.Dimensions]bool{
			0: false, model.DimensionsOf(model.ByApp, model.ByOutcome): false, model.DimensionsOf(model.ByTarget): true, model.AllDimensions: true,
		} {
			cost, err := ask(model.TotalsQuery{By: by})
			if (cost != nil) != refused || refused && !strings.Contains(err.Error(), by.String()) {
				t.Errorf("by %v: %v", by, err)
			}
		}
		if _, err := ask(model.TotalsQuery{By: model.AllDimensions, Target: "https://3.example"}); err != nil {
			t.Errorf("one target: %v", err)
		}
	})
	t.Run("series", func(t *testing.T) {
		set(t, &maxSeriesRead, 9)
		if cost, err := ask(model.TotalsQuery{}); cost == nil || !strings.Contains(err.Error(), "9 series; ask for a shorter time") {
			t.Errorf("%v", err)
		}
	})
}
