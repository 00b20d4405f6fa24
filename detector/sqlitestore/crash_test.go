package sqlitestore_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

const crashFile = "HELIOGRAPH_TEST_CRASH_FILE"

// TestMain makes the test binary a busy store when it is asked to: the child of
// TestKillLosesAndDoublesNothing.
func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		appendForEver(path)
	}
	os.Exit(m.Run())
}

// appendForEver stores pages of three batches from the cursor on, and prints a line after each.
func appendForEver(path string) {
	ctx := context.Background()
	events, state, err := sqlitestore.Open(ctx, path)
	if err != nil {
		panic(err)
	}
	cursor, err := state.Cursor(ctx, "c1")
	if err != nil {
		panic(err)
	}
	for {
		page := &detector.FeedPage{Feed: "c1", Cursor: cursor}
		for range 3 {
			page.Cursor++
			page.Batches = append(page.Batches, batchOf(page.Cursor))
		}
		if _, err := events.Append(ctx, page); err != nil {
			panic(err)
		}
		if err := state.SaveCursor(ctx, page); err != nil {
			panic(err)
		}
		cursor = page.Cursor
		fmt.Println(cursor)
	}
}

// batchOf returns the batch at a position: one request of one client. The batch at a position is
// always the same, and differs from all others.
func batchOf(position uint64) detector.Batch {
	return detector.Batch{ID: id(int(position)), Received: start, Counts: []model.Count{{
		Series: model.Series{App: "shop", Target: "https://shop.test", Outcome: report.OK}, Client: sketch.Hash(sketch.Key{}, position),
		End: at(int(position % 50)), Raw: 1, Estimated: 1}}}
}

func TestKillLosesAndDoublesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	rng := rand.New(rand.NewPCG(3, 4))
	for range 5 {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), crashFile+"="+path)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		var told uint64
		lines := bufio.NewScanner(out)
		for range 1 + rng.IntN(20) {
			if !lines.Scan() {
				t.Fatal("the child ended")
			}
		}
		fmt.Sscan(lines.Text(), &told)
		// somewhere within a transaction
		time.Sleep(time.Duration(rng.IntN(3000)) * time.Microsecond)
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			fmt.Sscan(lines.Text(), &told)
		}
		_ = child.Wait()
		checkWhole(t, path, told)
	}
}

// checkWhole checks that the cursor is not behind a page that was reported as stored and not ahead
// of what is stored, and that storing a page again changes nothing.
func checkWhole(t *testing.T, path string, told uint64) {
	t.Helper()
	events, state := open(t, path)
	defer state.Close()
	defer events.Close()
	cursor, err := state.Cursor(t.Context(), "c1")
	if err != nil || cursor < told || cursor%3 != 0 {
		t.Fatalf("cursor %d, %v; the child told %d", cursor, err, told)
	}
	n, err := events.Batches(t.Context(), time.Time{})
	if err != nil || n != cursor && n != cursor+3 { // a page may be stored before its cursor
		t.Fatalf("cursor %d, but %d batches, %v", cursor, n, err)
	}
	page := &detector.FeedPage{Feed: "c1", Cursor: cursor + 3, Batches: []detector.Batch{batchOf(cursor + 1), batchOf(cursor + 2), batchOf(cursor + 3)}}
	if _, err := events.Append(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	if err := state.SaveCursor(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	all, err := events.Totals(t.Context(), model.TotalsQuery{})
	if want := cursor + 3; err != nil || all[0].OK != float64(want) || all[0].Clients < want*8/10 || all[0].Clients > want*12/10 {
		t.Fatalf("%d batches taken in, but the totals are %+v, %v", want, all, err)
	}
}
