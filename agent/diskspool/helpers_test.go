package diskspool_test

import (
	"crypto/rand"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

func open(t testing.TB, dir string, o diskspool.Options) *diskspool.Spool {
	t.Helper()
	s, err := diskspool.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// segment is one that a test writes.
type segment struct {
	agent.SegmentWriter
	id     report.BatchID
	sealer *seal.Sealer
}

func begin(s *diskspool.Spool, key *seal.Key, birth time.Time) (*segment, error) {
	id, err := report.NewBatchID(birth, rand.Reader)
	if err != nil {
		return nil, err
	}
	sealer, err := seal.NewSealer(key, id)
	if err != nil {
		return nil, err
	}
	w, err := s.Begin(birth, id, sealer.Prefix())
	return &segment{w, id, sealer}, err
}

// add appends one record of size bytes that starts with n.
func (g *segment) add(n uint64, size int) error {
	record := append(binary.BigEndian.AppendUint64(nil, n), make([]byte, size-8)...)
	frame, err := g.sealer.Seal(nil, record)
	if err != nil {
		return err
	}
	return g.Append(frame)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newKey(t testing.TB) *seal.OpenKey {
	t.Helper()
	key, err := seal.GenerateOpenKey()
	must(t, err)
	return key
}

// write makes a finished segment of records 0 to n-1.
func write(t testing.TB, s *diskspool.Spool, key *seal.OpenKey, birth time.Time, n, size int) report.BatchID {
	t.Helper()
	g, err := begin(s, key.SealKey(), birth)
	must(t, err)
	for i := range n {
		must(t, g.add(uint64(i), size))
	}
	must(t, g.Close())
	return g.id
}

// records opens a segment that Read returned.
func records(t testing.TB, key *seal.OpenKey, b []byte) []uint64 {
	t.Helper()
	_, plain, err := seal.NewKeyring(key).Open(b)
	must(t, err)
	var out []uint64
	for _, r := range plain {
		out = append(out, binary.BigEndian.Uint64(r))
	}
	return out
}

func list(t testing.TB, s *diskspool.Spool) []agent.Segment {
	t.Helper()
	segments, err := s.List()
	must(t, err)
	return segments
}

func drops(s *diskspool.Spool) map[string]uint64 {
	m := make(map[string]uint64)
	for _, d := range s.TakeDrops() {
		m[d.Reason] += d.Count
	}
	return m
}

// names lists the directory; nil if there is none.
func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil
	}
	must(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// only returns the one file with the extension.
func only(t testing.TB, dir, ext string) string {
	t.Helper()
	var found []string
	for _, name := range names(t, dir) {
		if strings.HasSuffix(name, ext) {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		t.Fatalf("files %v, want one with %s", names(t, dir), ext)
	}
	return filepath.Join(dir, found[0])
}
