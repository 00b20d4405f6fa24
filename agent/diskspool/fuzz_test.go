package diskspool

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

func FuzzFileName(f *testing.F) {
	f.Add(fileName(time.UnixMilli(1_800_000_000_000), report.BatchID{1}, extDone))
	f.Add(fileName(time.UnixMilli(0), report.BatchID{0xff}, extOpen))
	f.Add("0000000000000001-zz.seg")
	f.Fuzz(func(t *testing.T, name string) {
		file, ok := parseName(name)
		if !ok {
			return
		}
		ext := extOpen
		if file.done {
			ext = extDone
		}
		if again := fileName(file.birth, file.id, ext); again != name {
			t.Fatalf("%q became %q", name, again)
		}
	})
}

// FuzzAbandonedFile: whatever a dead writer, or a dying disk, has left becomes a segment that a
// collector accepts, or nothing.
func FuzzAbandonedFile(f *testing.F) {
	key, err := seal.GenerateOpenKey()
	if err != nil {
		f.Fatal(err)
	}
	id := report.BatchID{7}
	sealer, err := seal.NewSealer(key.SealKey(), id)
	if err != nil {
		f.Fatal(err)
	}
	b := append([]byte(nil), sealer.Prefix()...)
	for _, record := range []string{"one", "two"} {
		if b, err = sealer.Seal(b, []byte(record)); err != nil {
			f.Fatal(err)
		}
		f.Add(append([]byte(nil), b...))
	}
	f.Add(b[:len(b)-3])
	f.Add(seal.AppendEnd(b))
	f.Add([]byte("garbage"))
	dir := f.TempDir()
	name := filepath.Join(dir, fileName(time.Now(), id, extOpen))
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		segments, err := s.List()
		if err != nil || len(segments) > 1 {
			t.Fatalf("segments %v, %v", segments, err)
		}
		if len(segments) == 1 {
			b, err := s.Read(id)
			if errors.Is(err, agent.ErrNoSegment) && len(s.TakeDrops()) > 0 {
				return // whole, but another's
			}
			if _, parseErr := seal.ParseSegment(b); err != nil || parseErr != nil {
				t.Fatalf("read: %v, %v", err, parseErr)
			}
			if err := s.Remove(id); err != nil {
				t.Fatal(err)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "0*")); len(left) != 0 {
			t.Fatalf("files %v stay", left)
		}
	})
}
