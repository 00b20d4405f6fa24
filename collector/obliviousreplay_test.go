package collector

import (
	"encoding/binary"
	"testing"
	"time"
)

func requestSum(n uint32) (sum [32]byte) {
	binary.BigEndian.PutUint32(sum[:], n)
	return sum
}

func TestReplaysAreRemembered(t *testing.T) {
	var r replays
	now := time.Unix(1_000_000, 0)
	if r.seen(requestSum(1)) || !r.add(now, requestSum(1)) || r.add(now, requestSum(1)) || !r.seen(requestSum(1)) {
		t.Error("a request is new once")
	}
	for _, later := range []time.Duration{replayWindow - time.Second, replayWindow, 2*replayWindow - time.Second} {
		r.add(now.Add(later), requestSum(uint32(later)))
		if !r.seen(requestSum(1)) {
			t.Errorf("forgotten after %v", later)
		}
	}
	r.add(now.Add(2*replayWindow), requestSum(3))
	if r.seen(requestSum(1)) || len(r.now) != 1 {
		t.Error("remembered for ever")
	}
	r.add(now, requestSum(4)) // the clock was set back
	if !r.seen(requestSum(3)) || !r.seen(requestSum(4)) {
		t.Error("a clock that is set back makes it forget")
	}
}

func TestReplayMemoryIsBounded(t *testing.T) {
	var r replays
	now := time.Unix(1_000_000, 0)
	for n := range uint32(3*maxReplays + 1) {
		if !r.add(now, requestSum(n)) {
			t.Fatalf("request %d is not new", n)
		}
		if len(r.now) > maxReplays || len(r.before) > maxReplays {
			t.Fatalf("%d and %d are remembered", len(r.now), len(r.before))
		}
		if n >= maxReplays && !r.seen(requestSum(n-maxReplays)) {
			t.Fatalf("request %d is forgotten after %d more", n-maxReplays, maxReplays)
		}
	}
}
