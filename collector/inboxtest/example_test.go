package inboxtest_test

import (
	"path/filepath"
	"testing"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/inboxtest"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
)

// The test of a kind of inbox, here of sqliteinbox. A place is a path at which there is
// no file yet.
func ExampleTestInbox() {
	_ = func(t *testing.T) { // func TestInbox(t *testing.T)
		inboxtest.TestInbox(t, func(t *testing.T, b inboxtest.Bounds) func() (collector.Inbox, error) {
			path := filepath.Join(t.TempDir(), "inbox.db")
			return func() (collector.Inbox, error) {
				return sqliteinbox.Open(path, sqliteinbox.Options{MaxBytes: b.MaxBytes, MaxAge: b.MaxAge, Retention: b.Retention})
			}
		})
	}
	// Output:
}
