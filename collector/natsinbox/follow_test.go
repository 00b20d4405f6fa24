package natsinbox

import (
	"testing"
	"time"
)

// TestReaderThatIsGone: a reader reads as long as its word changes; what it said before the queue
// was opened counts if it is young.
func TestReaderThatIsGone(t *testing.T) {
	q := &Queue{said: map[string]said{}}
	now := time.Now()
	hears := func(reader string, revision uint64, created time.Time, want bool) {
		t.Helper()
		if got := q.hears(reader, revision, created, now); got != want {
			t.Errorf("at %v, revision %d of %s reads: %v", now, revision, reader, got)
		}
	}
	hears("gone", 7, now.Add(-time.Hour), false)
	hears("there", 3, now.Add(-time.Second), true)
	now = now.Add(2 * time.Minute)
	hears("gone", 7, now.Add(-time.Hour), false)
	hears("there", 4, now.Add(-time.Hour), true) // whatever the server's clock says
	now = now.Add(goneAfter - time.Second)
	hears("there", 4, now, true)
	now = now.Add(time.Second)
	hears("there", 4, now, false)
	hears("gone", 8, now, true)
}
