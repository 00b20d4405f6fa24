package diskspool_test

import (
	"slices"
	"testing"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
)

func TestPurgeLeavesTheNoticeAndAnEmptyBlobIsDeleted(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, diskspool.Options{})
	for _, name := range []string{"client", agent.StateNotice} {
		_, err := s.State(name, func([]byte) []byte { return []byte("x") })
		must(t, err)
	}
	for range 2 {
		must(t, s.Purge())
	}
	if got := names(t, dir); !slices.Equal(got, []string{"notice.state"}) {
		t.Errorf("purged to %v, want the notice only", got)
	}
	for range 2 { // the second time it is not there
		if b, err := s.State(agent.StateNotice, func([]byte) []byte { return []byte{} }); len(b) != 0 || err != nil {
			t.Errorf("deleting it: %q, %v", b, err)
		}
	}
	must(t, s.Purge())
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("files %v stay", got)
	}
}
