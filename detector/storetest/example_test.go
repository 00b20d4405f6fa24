package storetest_test

import (
	"path/filepath"
	"testing"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/detector/storetest"
)

// A test of a kind of store for events, here of sqlitestore. newPlace returns a path at which there
// is no file yet.
func ExampleTestEvents() {
	_ = func(t *testing.T) { // func TestEvents(t *testing.T)
		storetest.TestEvents(t, func(t *testing.T) func() (detector.Events, error) {
			path := filepath.Join(t.TempDir(), "events.db")
			return func() (detector.Events, error) { return sqlitestore.OpenEvents(t.Context(), path) }
		})
	}
	// Output:
}

// A test of a kind of store for the state, here of sqlitestore.
func ExampleTestState() {
	_ = func(t *testing.T) { // func TestState(t *testing.T)
		storetest.TestState(t, func(t *testing.T) func() (detector.State, error) {
			path := filepath.Join(t.TempDir(), "state.db")
			return func() (detector.State, error) { return sqlitestore.OpenState(t.Context(), path) }
		})
	}
	// Output:
}
