package sqliteinbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/heliograph-net/heliograph/collector"
)

// fill commits batches, about 10 KiB at a time, until the inbox takes no more, and returns how
// many it took.
func fill(t testing.TB, i *Inbox, from, size int) int {
	group := max(1, 10<<10/size)
	for n := 0; n < 100_000; n += group {
		_, err := i.Commit(t.Context(), entries(from+n, from+n+group, size))
		if errors.Is(err, collector.ErrFull) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the inbox is never full")
	return 0
}

func TestFullInboxRefusesKeepsAndRecovers(t *testing.T) {
	for _, size := range []int{100, 1500, 100 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			i := fresh(t, Options{MaxBytes: MinBytes})
			n := fill(t, i, 0, size)
			s := stats(t, i)
			if s.Pending != uint64(n) || s.Bytes > s.MaxBytes || n*size < MinBytes/4 {
				t.Errorf("took %d batches; %+v", n, s)
			}
			fill(t, i, 0, 200<<10) // goes on refusing
			if err := i.Check(t.Context()); size < checkBytes && !errors.Is(err, collector.ErrFull) {
				t.Errorf("Check = %v, want ErrFull", err)
			}
			if got := read(t, i, 0, 1); len(got) != 1 || got[0].Batch != id(0) {
				t.Error("the oldest batch is gone")
			}
			ack(t, i, s.Head)
			if err := i.Check(t.Context()); err != nil {
				t.Errorf("Check after everything was acknowledged = %v", err)
			}
			if again := fill(t, i, n, size); again < n/2 {
				t.Errorf("took %d batches, after it was emptied %d", n, again)
			}
		})
	}
}

// The disk is full for a child process whose files may not grow beyond a limit. (A limit on all
// files of the test would hit its others.)
const diskFullEnv = "HELIOGRAPH_TEST_DISK_FULL"

func TestFullDiskRefusesKeepsAndRecovers(t *testing.T) {
	if path := os.Getenv(diskFullEnv); path != "" {
		fullDisk(t, path)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFullDiskRefusesKeepsAndRecovers$", "-test.v")
	cmd.Env = append(os.Environ(), diskFullEnv+"="+filepath.Join(t.TempDir(), "inbox.db"))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "the disk had room again") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func fullDisk(t *testing.T, path string) {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	roomy := limit.Cur
	setLimit := func(n uint64) {
		limit.Cur = n
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	i := open(t, path, Options{})
	setLimit(3 << 20)
	n := fill(t, i, 0, 64<<10)
	// The little that they write may find room.
	for _, err := range []error{i.Check(t.Context()), i.Ack(t.Context(), reader, stats(t, i).Acked+1)} {
		if err != nil && !errors.Is(err, collector.ErrFull) {
			t.Errorf("on a full disk: %v, want nil or ErrFull", err)
		}
	}
	if got := read(t, i, 0, 1); len(got) != 1 {
		t.Error("nothing can be read from a full disk")
	}
	setLimit(roomy)
	if got := commit(t, i, entry(n, 64<<10), entry(0, 64<<10)); got[0] != isNew || got[1] != duplicate {
		t.Errorf("after there was room again: %v", got)
	}
	ack(t, i, stats(t, i).Head)
	if err := i.Check(t.Context()); err != nil {
		t.Errorf("Check = %v", err)
	}
	t.Log("the disk had room again")
}
