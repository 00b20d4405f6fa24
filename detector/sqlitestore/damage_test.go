package sqlitestore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// If the file of a store is damaged, the error names the remedy. If the file is removed while the
// store is open, the store reports it.
func TestDamagedAndRemovedStoresAreTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	events, state, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	for _, ready := range []error{events.Ready(t.Context()), state.Ready(t.Context())} {
		if !errors.Is(ready, sqlitedb.ErrRemoved) || !strings.Contains(ready.Error(), path) {
			t.Errorf("a removed file: %v", ready)
		}
	}
	if err := errors.Join(os.Rename(path+".old", path), events.Ready(t.Context()), events.Close(), state.Close()); err != nil {
		t.Fatalf("put back: %v", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 4096), 4096*3); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(t.Context(), path); !errors.Is(err, sqlitedb.ErrDamaged) || !strings.Contains(err.Error(), "heliograph repair") {
		t.Errorf("a damaged file: %v", err)
	}
}
