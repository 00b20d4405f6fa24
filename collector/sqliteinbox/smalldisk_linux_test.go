package sqliteinbox

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/smallfs"
)

// stuff fills the disk to its last byte and returns the file that does.
func stuff(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "stuff")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); err != nil {
			return path
		}
	}
}

// The inbox alone fills its disk. It is emptied by acknowledgements, and takes as much again; and
// readiness, statistics and uploads agree all the time.
func TestAnInboxThatFilledItsDiskEmpties(t *testing.T) {
	dir, inside := smallfs.Own(t, 6<<20)
	if !inside {
		return
	}
	var log bytes.Buffer
	i := open(t, filepath.Join(dir, "inbox.db"), Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if !strings.Contains(log.String(), "more than its disk has room for") {
		t.Errorf("nothing is said of a maximum beyond the disk:\n%s", log.String())
	}
	taken := 0
	for round := range 3 {
		n := fill(t, i, round*100_000, 1500)
		s := stats(t, i)
		if err := i.Check(t.Context()); !errors.Is(err, collector.ErrFull) || !s.Full || s.Limit-s.Bytes >= checkBytes {
			t.Errorf("round %d: %d batches are taken, Check = %v, %+v", round, n, err, s)
		}
		if taken == 0 {
			taken = n
		}
		if n < taken*3/4 || n < 1000 {
			t.Fatalf("round %d: %d batches are taken, %d at first", round, n, taken)
		}
		ack(t, i, s.Head)
		s = stats(t, i)
		if err := i.Check(t.Context()); err != nil || s.Full || s.Pending != 0 {
			t.Errorf("round %d, after everything was acknowledged: Check = %v, %+v", round, err, s)
		}
		commit(t, i, entry(1_000_000+round, 10))
	}
	if strings.Contains(log.String(), "gave up its reserve") {
		t.Errorf("the inbox alone needed its reserve:\n%s", log.String())
	}
}

// Something else fills the disk to its last byte. Acknowledgements go through all the same, nothing
// is taken meanwhile, and all goes on, with a new reserve, when there is room.
func TestADiskThatOthersFilledLetsTheInboxEmpty(t *testing.T) {
	dir, inside := smallfs.Own(t, 12<<20)
	if !inside {
		return
	}
	path := filepath.Join(dir, "inbox.db")
	for _, size := range []int{100, 1500, 20 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			var log bytes.Buffer
			i := open(t, path, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			n := 0
			for ; n*size < 3<<20 && n < 9000; n += 100 {
				commit(t, i, entries(size*100_000+n, size*100_000+n+100, size)...)
			}
			others := stuff(t, dir)
			if _, err := i.Commit(t.Context(), entries(1_000_000, 1_000_300, 20<<10)); !errors.Is(err, collector.ErrFull) {
				t.Errorf("a full disk took a commit: %v", err)
			}
			if got := read(t, i, 0, 1); len(got) != 1 {
				t.Error("nothing can be read from a full disk")
			}
			ack(t, i, stats(t, i).Head)
			if s := stats(t, i); s.Pending != 0 || !s.Full {
				t.Errorf("after the acknowledgement on a full disk: %+v", s)
			}
			if err := i.Check(t.Context()); !errors.Is(err, collector.ErrFull) {
				t.Errorf("readiness on a disk that others fill: %v", err)
			}
			// what the log takes already may do for large batches, which are few
			if size < 1000 && !strings.Contains(log.String(), "gave up its reserve") {
				t.Errorf("nothing is said of the reserve:\n%s", log.String())
			}
			if err := os.Remove(others); err != nil {
				t.Fatal(err)
			}
			if err := i.Check(t.Context()); err != nil {
				t.Errorf("with room again: %v", err)
			}
			commit(t, i, entry(2_000_000+size, size))
			if info, err := os.Stat(path + "-reserve"); err != nil || info.Size() != i.disk.reserved {
				t.Errorf("the reserve was not made again: %v, %v", info, err)
			}
			ack(t, i, stats(t, i).Head)
			if err := i.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The disk is so full that the collector cannot even make its reserve when it starts.
func TestTheReserveIsMadeWhenThereIsRoom(t *testing.T) {
	dir, inside := smallfs.Own(t, 4<<20)
	if !inside {
		return
	}
	path := filepath.Join(dir, "inbox.db")
	i := open(t, path, Options{})
	commit(t, i, entries(0, 200, 1500)...)
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path + "-reserve"); err != nil {
		t.Fatal(err)
	}
	others := stuff(t, dir)
	if err := os.Truncate(others, sizeOf(others)-(200<<10)); err != nil {
		t.Fatal(err)
	}
	i = open(t, path, Options{})
	if _, err := i.Commit(t.Context(), entries(200, 201, 10)); !errors.Is(err, collector.ErrFull) {
		t.Errorf("without a reserve: %v", err)
	}
	ack(t, i, stats(t, i).Head)
	if s := stats(t, i); s.Pending != 0 {
		t.Errorf("%d batches wait after their acknowledgement", s.Pending)
	}
	if err := os.Remove(others); err != nil {
		t.Fatal(err)
	}
	if err := i.Maintain(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path + "-reserve"); err != nil {
		t.Error(err)
	}
	commit(t, i, entry(200, 10))
}
