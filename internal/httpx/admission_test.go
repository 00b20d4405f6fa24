package httpx

import "testing"

func TestGateLetsNobodyInOnceClosed(t *testing.T) {
	g := NewGate()
	for range 2 {
		if !g.Enter() {
			t.Fatal("an open gate is closed")
		}
	}
	over := func(done <-chan struct{}) bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
	for range 2 {
		g.Close()
		if !over(g.Closed()) || over(g.Idle()) {
			t.Errorf("closed %v, idle %v with two inside", over(g.Closed()), over(g.Idle()))
		}
	}
	if g.Enter() {
		t.Error("a closed gate is open")
	}
	g.Leave()
	if over(g.Idle()) {
		t.Error("idle with one inside")
	}
	g.Leave()
	if !over(g.Idle()) {
		t.Error("not idle though all have left")
	}
	empty := NewGate()
	if empty.Close(); !over(empty.Idle()) {
		t.Error("a gate that nobody has entered is not idle")
	}
}

func TestSlots(t *testing.T) {
	s := NewSlots(4)
	for n := range 6 {
		if got, want := s.Enter(), n < 4; got != want {
			t.Errorf("slot %d of 4: %v", n+1, got)
		}
		if got, want := s.Scarce(), n >= 2; got != want {
			t.Errorf("%d of 4 are taken: scarce is %v", min(n+1, 4), got)
		}
	}
	s.Leave()
	if s.Taken() != 3 || !s.Enter() {
		t.Error("a slot that was left is not free")
	}
}
