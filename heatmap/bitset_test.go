package heatmap

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// randomBits gives a set and the same as plain bools.
func randomBits(r *rand.Rand, n int) (*Bitset, []bool) {
	b, model := newBitset(n), make([]bool, n)
	for i := range n {
		model[i] = r.IntN(2) == 0
		b.Set(i, model[i])
	}
	return b, model
}

func TestMillionServersTake125000Bytes(t *testing.T) {
	b, err := NewBitset(1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(b.Bytes()); got != 125_000 {
		t.Errorf("on the wire %d bytes", got)
	}
	if got := len(b.words) * 8; got != 125_000 {
		t.Errorf("in memory %d bytes", got)
	}
}

func TestBitIsLowestFirst(t *testing.T) {
	for _, c := range []struct {
		n    int
		set  []int
		want []byte
	}{
		{0, nil, []byte{}},
		{1, []int{0}, []byte{0x01}},
		{8, []int{7}, []byte{0x80}},
		{9, []int{0, 8}, []byte{0x01, 0x01}},
		{65, []int{3, 64}, []byte{0x08, 0, 0, 0, 0, 0, 0, 0, 0x01}},
	} {
		b := newBitset(c.n)
		for _, i := range c.set {
			b.Set(i, true)
		}
		if got := b.Bytes(); !bytes.Equal(got, c.want) {
			t.Errorf("%d bits with %v: %x, want %x", c.n, c.set, got, c.want)
		}
	}
}

func TestBitsetAgreesWithBools(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 7, 8, 63, 64, 65, 127, 128, 1000} {
		x, xs := randomBits(r, n)
		y, ys := randomBits(r, n)
		andNot := newBitset(n)
		left, err := andNot.AndNot(x, y)
		if err != nil {
			t.Fatal(err)
		}
		ones, only := 0, 0
		for i := range n {
			if xs[i] {
				ones++
			}
			if xs[i] && !ys[i] {
				only++
			}
			if x.Get(i) != xs[i] || andNot.Get(i) != (xs[i] && !ys[i]) {
				t.Fatalf("%d bits: bit %d is wrong", n, i)
			}
		}
		if x.Count() != ones || left != only || andNot.Count() != only {
			t.Errorf("%d bits: counts are wrong", n)
		}
		back, err := FromBytes(n, x.Bytes())
		if err != nil || !bytes.Equal(back.Bytes(), x.Bytes()) {
			t.Errorf("%d bits: do not come back from bytes: %v", n, err)
		}
	}
}

func TestCountRangeAgreesWithCounting(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	b, model := randomBits(r, 300)
	for range 5000 {
		first, n := r.IntN(340)-20, r.IntN(340)-10
		want := 0
		for i := first; i < first+n; i++ {
			if i >= 0 && i < len(model) && model[i] {
				want++
			}
		}
		if got := b.CountRange(first, n); got != want {
			t.Fatalf("CountRange(%d, %d) = %d, want %d", first, n, got, want)
		}
	}
}

func TestClearingAndCloning(t *testing.T) {
	b := newBitset(70)
	b.Set(69, true)
	c := b.Clone()
	b.Set(69, false)
	if b.Get(69) || b.Count() != 0 || !c.Get(69) {
		t.Error("a clone shares its bits, or a bit cannot be cleared")
	}
}

func TestOutsideIsHarmless(t *testing.T) {
	b := newBitset(10)
	for _, i := range []int{-1, 10, 63, 64, 1 << 40} {
		b.Set(i, true)
		if b.Get(i) {
			t.Errorf("bit %d is set", i)
		}
	}
	if b.Count() != 0 {
		t.Error("a bit outside was stored inside")
	}
}

func TestBitsetRefusesWrongLengths(t *testing.T) {
	for _, n := range []int{-1, MaxServers + 1} {
		if _, err := NewBitset(n); !errors.Is(err, ErrLength) {
			t.Errorf("NewBitset(%d): %v", n, err)
		}
		if _, err := FromBytes(n, nil); !errors.Is(err, ErrLength) {
			t.Errorf("FromBytes(%d): %v", n, err)
		}
	}
	if _, err := FromBytes(9, []byte{1}); !errors.Is(err, ErrLength) {
		t.Errorf("too short: %v", err)
	}
	if _, err := FromBytes(8, []byte{1, 0}); !errors.Is(err, ErrLength) {
		t.Errorf("too long: %v", err)
	}
	if _, err := FromBytes(9, []byte{0, 2}); err == nil {
		t.Error("padding that is not zero was taken")
	}
	a, b := newBitset(3), newBitset(4)
	if _, err := a.AndNot(b, a); !errors.Is(err, ErrLength) {
		t.Errorf("AndNot: %v", err)
	}
}

func FuzzFromBytes(f *testing.F) {
	f.Add(0, []byte{})
	f.Add(9, []byte{0xff, 0x01})
	f.Add(9, []byte{0xff, 0x02})
	f.Add(64, bytes.Repeat([]byte{0xa5}, 8))
	f.Add(65, bytes.Repeat([]byte{0x01}, 9))
	f.Fuzz(func(t *testing.T, n int, b []byte) {
		s, err := FromBytes(n, b)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Bytes(), b) {
			t.Fatalf("%d bits of %x come back as %x", n, b, s.Bytes())
		}
		if s.Count() != s.CountRange(0, n) || s.Len() != n {
			t.Fatal("counts disagree: a bit beyond the length is set")
		}
	})
}

func BenchmarkBitset(b *testing.B) {
	const n = MaxServers
	x, y, z := newBitset(n), newBitset(n), newBitset(n)
	for i := 0; i < n; i += 3 {
		x.Set(i, true)
	}
	for _, c := range []struct {
		name string
		do   func()
	}{
		{"Count", func() { x.Count() }},
		{"AndNot", func() { _, _ = z.AndNot(x, y) }},
		{"Set", func() { x.Set(12345, true) }},
	} {
		b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
			for b.Loop() {
				c.do()
			}
		})
	}
}

func TestRangeIsTheBitsFromThere(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 3))
	b, _ := randomBits(r, 300)
	for range 2000 {
		first, n := r.IntN(500)-100, r.IntN(400)
		part, err := b.Range(first, n)
		if err != nil || part.Len() != n || part.Count() != b.CountRange(first, n) {
			t.Fatalf("Range(%d, %d): %v of %d bits, %v", first, n, part.Count(), part.Len(), err)
		}
		for i := range n {
			if part.Get(i) != b.Get(first+i) {
				t.Fatalf("Range(%d, %d): bit %d is %v", first, n, i, part.Get(i))
			}
		}
	}
	if _, err := b.Range(0, -1); !errors.Is(err, ErrLength) {
		t.Errorf("a negative number of bits: %v", err)
	}
}
