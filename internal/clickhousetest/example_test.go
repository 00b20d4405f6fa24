package clickhousetest_test

import (
	"testing"

	"github.com/heliograph-net/heliograph/internal/clickhousetest"
)

// A test of what becomes of data when the server is killed.
func ExampleStart() {
	_ = func(t *testing.T) { // func TestKilled(t *testing.T)
		server := clickhousetest.Start(t)
		_ = server.Database(t) // open the store with server.Address, and fill it
		server.Kill()
		server.Restart(t)
	}
	// Output:
}
