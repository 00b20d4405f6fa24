package natsgroup

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/cryptotest"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

var update = flag.Bool("update", false, "write golden files that are missing")

// ring returns the keyring of a key that is always the same.
func ring(t testing.TB) (*seal.Keyring, *seal.Key) {
	t.Helper()
	key, err := seal.ParseOpenKey(bytes.Repeat([]byte{7}, seal.OpenKeySize))
	if err != nil {
		t.Fatal(err)
	}
	return seal.NewKeyring(key), key.SealKey()
}

var goldenEntries = []entry{
	{of: digest{1}, records: [][]byte{{1, 2, 3}, bytes.Repeat([]byte{0xa5}, 300)}},
	{of: digest{2}},
	{of: digest{3}, records: [][]byte{{0}}},
}

// Members may be of different releases, so that this file never changes.
func TestGoldenPage(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1)
	keys, key := ring(t)
	c := pageCipher(keys, key.ID())
	path := filepath.Join("testdata", "page.bin")
	page := sealPage(c, key.ID(), goldenEntries)
	if *update {
		if _, err := os.Stat(path); err != nil {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, page, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(page, golden) {
		t.Errorf("a page is written as %x", page)
	}
	id, err := pageKey(golden)
	if err != nil || id != key.ID() {
		t.Fatalf("key %x, %v", id, err)
	}
	entries, err := openPage(c, golden)
	if err != nil || !reflect.DeepEqual(entries, goldenEntries) {
		t.Errorf("%+v, %v", entries, err)
	}
}

// TestAlteredPages: nobody without the key can make or alter a page.
func TestAlteredPages(t *testing.T) {
	keys, key := ring(t)
	c := pageCipher(keys, key.ID())
	page := sealPage(c, key.ID(), goldenEntries)
	for i := range page {
		b := bytes.Clone(page)
		b[i] ^= 1
		if _, err := pageKey(b); err != nil {
			continue
		}
		if _, err := openPage(c, b); err == nil {
			t.Fatalf("a page with byte %d altered is accepted", i)
		}
	}
	for n := range page {
		if _, err := pageKey(page[:n]); err != nil {
			continue
		}
		if _, err := openPage(c, page[:n]); err == nil {
			t.Fatalf("the first %d bytes of a page are accepted", n)
		}
	}
	if _, err := pageKey(make([]byte, maxPage+1)); err == nil {
		t.Error("a page may have any length")
	}
}

// FuzzEntries: whatever is in a page is bounded, and has one encoding.
func FuzzEntries(f *testing.F) {
	f.Add(appendEntries(nil, goldenEntries))
	f.Add(append(make([]byte, 32), 0x80, 0))
	f.Add(append(make([]byte, 32), 0xff, 0xff, 0xff, 0xff, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := decodeEntries(b)
		if err != nil {
			return
		}
		if len(entries) > maxEntries {
			t.Fatalf("%d entries", len(entries))
		}
		for _, e := range entries {
			for _, r := range e.records {
				if len(r) == 0 || len(r) > report.MaxRecord {
					t.Fatalf("a record of %d bytes", len(r))
				}
			}
		}
		if again := appendEntries(nil, entries); !bytes.Equal(again, b) {
			t.Fatalf("%x is written as %x", b, again)
		}
	})
}
