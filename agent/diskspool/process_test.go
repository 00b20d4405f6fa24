//go:build unix

package diskspool_test

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

// The test binary runs itself as another process that uses the same directory.
const (
	childRole = "HELIOGRAPH_TEST_ROLE"
	childDir  = "HELIOGRAPH_TEST_DIR"
	childKey  = "HELIOGRAPH_TEST_KEY"
	childBase = "HELIOGRAPH_TEST_BASE"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		os.Exit(child(role))
	}
	os.Exit(m.Run())
}

// child is main of the other process.
func child(role string) int {
	raw, err := hex.DecodeString(os.Getenv(childKey))
	if err != nil {
		return 2
	}
	key, err := seal.ParseKey(raw)
	if err != nil {
		return 2
	}
	base, _ := strconv.ParseUint(os.Getenv(childBase), 10, 64)
	s, err := diskspool.Open(os.Getenv(childDir), diskspool.Options{MaxBytes: 1 << 30, MaxSegments: 1 << 20})
	if err != nil {
		return 2
	}
	switch role {
	case "fill":
		return fill(s, key)
	case "hold":
		return hold(s)
	case "read":
		return read(s, key)
	default:
		return promise(s, key, base)
	}
}

// promise writes until it is killed, and tells each record that is durable.
func promise(s *diskspool.Spool, key *seal.Key, base uint64) int {
	for {
		g, err := begin(s, key, time.Now())
		if err != nil {
			return 3
		}
		for range rand.IntN(5) + 1 {
			if err := g.add(base, 200); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 4
			}
			fmt.Println(base) // from now on it is promised
			base++
		}
		if err := g.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 5
		}
	}
}

// fill writes two records at a time until the disk takes no more, tells what was
// promised, and dies.
func fill(s *diskspool.Spool, key *seal.Key) int {
	// bytes of one file, which ends between the two records of an Append: what a full disk does,
	// whoever runs the test
	const limit = 21_200
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		return 2
	}
	g, err := begin(s, key, time.Now())
	if err != nil {
		return 3
	}
	n := uint64(0)
	for ; n < 1000; n += 2 {
		var frames []byte
		for i := range uint64(2) {
			if frames, err = g.sealer.Seal(frames, binary.BigEndian.AppendUint64(make([]byte, 0, 1500), n+i)[:1500]); err != nil {
				return 3
			}
		}
		if err := g.Append(frames); err != nil {
			break
		}
	}
	fmt.Println(n)
	if err := g.add(n, 20); err == nil {
		return 4 // after an error only Close may follow
	}
	return 0
}

// hold takes the upload lock, and keeps it until it is killed.
func hold(s *diskspool.Spool) int {
	if _, err := s.LockUpload(); err != nil {
		return 3
	}
	fmt.Println("locked")
	time.Sleep(time.Minute)
	return 0
}

// nobody is who may not write everywhere, as root may.
const nobody = 65534

// read uses a directory that it may not change, and tells what is wrong.
func read(s *diskspool.Spool, key *seal.Key) int {
	if os.Getuid() == 0 {
		if err := errors.Join(syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
			fmt.Println("setuid:", err)
			return 2
		}
	}
	segments, err := s.List()
	if len(segments) != 1 || err != nil {
		fmt.Printf("%d segments, %v; want 1\n", len(segments), err)
		return 1
	}
	if b, err := s.Read(segments[0].ID); err != nil || len(b) == 0 {
		fmt.Println("read:", err)
	}
	if b, err := s.State("client", func([]byte) []byte { return nil }); string(b) != "kept" || err != nil {
		fmt.Printf("state %q, %v\n", b, err)
	}
	if b, err := s.State("client", func([]byte) []byte { return []byte("new") }); string(b) != "kept" || err == nil {
		fmt.Printf("a new state %q, %v\n", b, err)
	}
	g, err := begin(s, key, time.Now())
	if err == nil {
		err = g.add(1, 100)
	}
	if err == nil || errors.Is(err, agent.ErrSpoolFull) {
		fmt.Println("append:", err)
	}
	if s.Remove(segments[0].ID) == nil || s.Purge() == nil {
		fmt.Println("removed")
	}
	if n, _ := s.Usage(); n != 1 || len(s.TakeDrops()) != 0 {
		fmt.Println("usage", n)
	}
	return 0
}

func command(t *testing.T, role, dir string, key *seal.OpenKey, base uint64) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childRole+"="+role, childDir+"="+dir, childBase+"="+strconv.FormatUint(base, 10),
		childKey+"="+hex.EncodeToString(key.SealKey().Bytes()))
	cmd.Stderr = os.Stderr
	return cmd
}

// TestKilledWriters kills processes at random instants, while others write and this one takes away
// what is finished: every record whose Append had returned is there, once.
func TestKilledWriters(t *testing.T) {
	const rounds, writers = 12, 3
	dir, key := t.TempDir(), newKey(t)
	s := open(t, dir, diskspool.Options{MaxBytes: 1 << 30, MaxSegments: 1 << 20})

	got := make(map[uint64]int)
	collect := func() {
		for _, segment := range list(t, s) {
			b, err := s.Read(segment.ID)
			if err != nil {
				t.Errorf("read %v: %v", segment.ID, err)
				continue
			}
			for _, n := range records(t, key, b) {
				got[n]++
			}
			must(t, s.Remove(segment.ID))
		}
	}
	var promised []uint64
	for round := range rounds {
		var group sync.WaitGroup
		lines := make([][]uint64, writers)
		for i := range writers {
			cmd := command(t, "write", dir, key, uint64(round*writers+i)<<32)
			out, err := cmd.StdoutPipe()
			must(t, err)
			must(t, cmd.Start())
			group.Go(func() {
				for scan := bufio.NewScanner(out); scan.Scan(); {
					if len(lines[i]) == 0 { // it has begun
						time.AfterFunc(time.Duration(rand.IntN(100))*time.Millisecond, func() { _ = cmd.Process.Kill() })
					}
					if n, err := strconv.ParseUint(scan.Text(), 10, 64); err == nil {
						lines[i] = append(lines[i], n)
					}
				}
				_ = cmd.Wait()
			})
		}
		collect()
		group.Wait()
		promised = slices.Concat(append(lines, promised)...)
	}
	collect()
	if len(promised) < rounds {
		t.Fatalf("%d records promised: the writers hardly wrote", len(promised))
	}
	for _, n := range promised {
		if got[n] != 1 {
			t.Errorf("record %#x is there %d times", n, got[n])
		}
	}
	if extra := len(got) - len(promised); extra < 0 || extra > rounds*writers {
		t.Errorf("%d records more than promised: at most one per writer was under way", extra)
	}
	for _, name := range names(t, dir) {
		if strings.HasSuffix(name, ".open") || strings.HasSuffix(name, ".seg") {
			t.Errorf("%s stays", name)
		}
	}
}

// TestFullDisk: what a full disk does not take is refused as a whole, and what it took
// before stays.
func TestFullDisk(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	out, err := command(t, "fill", dir, key, 0).Output()
	must(t, err)
	promised, err := strconv.Atoi(strings.TrimSpace(string(out)))
	must(t, err)
	if promised < 5 || promised > 15 {
		t.Fatalf("%d records fit: the limit did not work", promised)
	}
	s := open(t, dir, diskspool.Options{})
	segments := list(t, s)
	if len(segments) != 1 {
		t.Fatalf("segments %v", segments)
	}
	b, err := s.Read(segments[0].ID)
	must(t, err)
	if n := len(records(t, key, b)); n != promised {
		t.Errorf("%d records, want %d", n, promised)
	}
}

// TestReadOnlyDirectory: what is there stays and can be read, and what cannot be written
// is an error.
func TestReadOnlyDirectory(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	s := open(t, dir, diskspool.Options{})
	id := write(t, s, key, time.Now(), 1, 100)
	_, err := s.State("client", func([]byte) []byte { return []byte("kept") })
	must(t, err)
	if os.Getuid() == 0 {
		must(t, os.Chmod(filepath.Dir(dir), 0o711))
		must(t, os.Chown(dir, nobody, nobody))
		for _, name := range names(t, dir) {
			must(t, os.Chown(filepath.Join(dir, name), nobody, nobody))
		}
	}
	must(t, os.Chmod(dir, 0o500))
	defer os.Chmod(dir, 0o700)
	out, err := command(t, "read", dir, key, 0).Output()
	if err != nil || len(out) != 0 {
		t.Errorf("%v: %s", err, out)
	}
	must(t, os.Chmod(dir, 0o700))
	if segments := list(t, s); len(segments) != 1 || segments[0].ID != id {
		t.Errorf("segments %v, want the one that was there", segments)
	}
}

func TestUploadLockDiesWithItsProcess(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	s := open(t, dir, diskspool.Options{})
	write(t, s, key, time.Now(), 1, 100)
	cmd := command(t, "hold", dir, key, 0)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	if !bufio.NewScanner(out).Scan() {
		t.Fatal("the other process did not get the lock")
	}
	if _, err := s.LockUpload(); !errors.Is(err, agent.ErrSpoolBusy) {
		t.Errorf("lock: %v, want ErrSpoolBusy", err)
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	unlock, err := s.LockUpload()
	must(t, err)
	unlock()
}
