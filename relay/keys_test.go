package relay

import (
	"errors"
	"testing"
	"time"
)

func TestKeyCache(t *testing.T) {
	var c keyCache
	start := time.Unix(1_000_000, 0)
	now := func(after time.Duration) (string, bool) {
		list, _, _, ask := c.now(start.Add(after))
		return string(list), ask
	}
	check := func(after time.Duration, list string, ask bool, when string) {
		t.Helper()
		if got, asks := now(after); got != list || asks != ask {
			t.Errorf("%s: %q, ask %v; want %q, %v", when, got, asks, list, ask)
		}
	}
	check(0, "", true, "at first")
	c.put(start, []byte("a"), "signed", nil)
	check(0, "a", false, "just asked")
	check(keysFresh-1, "a", false, "before its time")
	check(keysFresh, "", true, "after its time")
	c.expire(start.Add(time.Second))
	check(time.Second, "a", false, "old, but just asked")
	check(keysRetry, "", true, "old")
	c.put(start.Add(keysRetry), []byte("b"), "signed", nil)
	check(keysRetry, "b", false, "asked again")
	c.put(start.Add(time.Hour), nil, "", errors.New("failed"))
	if _, _, err, ask := c.now(start.Add(time.Hour)); err == nil || ask {
		t.Errorf("just failed: %v, ask %v", err, ask)
	}
	check(time.Hour+keysRetry, "", true, "five seconds after a failure")
	check(0, "", true, "the clock was set back")
}
