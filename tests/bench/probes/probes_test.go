package probes

import "testing"

func TestSweepOfAFew(t *testing.T) {
	r, err := Sweep(t.Context(), 300)
	if err != nil || r.Up != 300 || r.Took <= 0 || r.Memory <= 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
