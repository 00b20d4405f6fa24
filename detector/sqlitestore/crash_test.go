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
	"github.com/heliograph-net/heliograph/report"
)

const crashFile = "HELIOGRAPH_TEST_CRASH_FILE"

// TestMain makes the test binary a busy store when it is asked to: the child of
// TestKillLeavesDataAndCursorTogether.
func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		ingestForEver(path)
	}
	os.Exit(m.Run())
}

// ingestForEver takes bunches of three batches from where the cursor stands, and says so
// after each.
func ingestForEver(path string) {
	ctx := context.Background()
	s, err := sqlitestore.Open(ctx, path)
	if err != nil {
		panic(err)
	}
	cursor, err := s.Cursor(ctx, "c1")
	if err != nil {
		panic(err)
	}
	for {
		var b detector.Bunch
		for range 3 {
			cursor++
			b.Batches = append(b.Batches, batch(int(cursor), count(int(cursor%50), cursor, 1, 1, model.Series{Outcome: report.OK})))
		}
		b.Source, b.Cursor = "c1", cursor
		if done, err := s.Ingest(ctx, b); err != nil || done.New != 3 {
			panic(fmt.Sprint(done, err))
		}
		fmt.Println(cursor)
	}
}

func TestKillLeavesDataAndCursorTogether(t *testing.T) {
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

func checkWhole(t *testing.T, path string, told uint64) {
	t.Helper()
	s := open(t, path)
	defer s.Close()
	cursor, err := s.Cursor(t.Context(), "c1")
	if err != nil || cursor < told || cursor%3 != 0 {
		t.Fatalf("cursor %d, %v; the child told %d", cursor, err, told)
	}
	n, err := s.Batches(t.Context(), time.Time{})
	if got := totals(t, s, model.TotalsQuery{Since: start.Add(-time.Second)}); err != nil || n != cursor || got[0].OK != float64(cursor) || got[0].Clients != cursor {
		t.Fatalf("cursor %d, but %d batches and %+v", cursor, n, got)
	}
}
