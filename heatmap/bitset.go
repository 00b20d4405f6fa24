package heatmap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"slices"
)

// MaxServers is the most servers in a [Bitset] or a [Topology].
const MaxServers = 1_000_000

// ErrLength is returned, wrapped, for a length that is out of range, or lengths that must be equal
// and are not.
var ErrLength = errors.New("wrong length")

// Bitset is a fixed number of bits. It is not safe for concurrent use; [Map] is.
//
// Reading a bit outside 0 to Len-1 returns false, and writing one does nothing, so an outdated
// index does no harm.
type Bitset struct {
	n     int
	words []uint64 // bit i is bit i%64 of word i/64; bits from n on are zero
}

// NewBitset returns a Bitset of n zero bits. It returns [ErrLength] if n is not in 0
// to [MaxServers].
func NewBitset(n int) (*Bitset, error) {
	if n < 0 || n > MaxServers {
		return nil, fmt.Errorf("bitset of %d bits, at most %d: %w", n, MaxServers, ErrLength)
	}
	return newBitset(n), nil
}

func newBitset(n int) *Bitset { return &Bitset{n: n, words: make([]uint64, (n+63)/64)} }

// FromBytes is the inverse of [Bitset.Bytes] for n bits. It returns [ErrLength] if b does not have
// ceil(n/8) bytes. It also refuses padding bits that are not zero. It keeps no reference to b.
func FromBytes(n int, b []byte) (*Bitset, error) {
	s, err := NewBitset(n)
	if err != nil {
		return nil, err
	}
	if len(b) != (n+7)/8 {
		return nil, fmt.Errorf("%d bytes for %d bits, want %d: %w", len(b), n, (n+7)/8, ErrLength)
	}
	if n%8 != 0 && b[len(b)-1]>>(n%8) != 0 {
		return nil, fmt.Errorf("padding bits after bit %d are not zero", n-1)
	}
	var word [8]byte
	for i := range s.words {
		clear(word[:])
		copy(word[:], b[i*8:])
		s.words[i] = binary.LittleEndian.Uint64(word[:])
	}
	return s, nil
}

// Bytes returns the encoding of the set: ceil(Len/8) bytes, in which bit i of the set is bit i%8 (0
// is the lowest) of byte i/8, and padding bits are zero. The caller owns the slice.
func (b *Bitset) Bytes() []byte {
	out := make([]byte, len(b.words)*8)
	for i, w := range b.words {
		binary.LittleEndian.PutUint64(out[i*8:], w)
	}
	return out[:(b.n+7)/8]
}

// Len returns the number of bits.
func (b *Bitset) Len() int { return b.n }

// Get returns bit i.
func (b *Bitset) Get(i int) bool {
	return uint(i) < uint(b.n) && b.words[i>>6]>>(i&63)&1 != 0
}

// Set makes bit i equal to v.
func (b *Bitset) Set(i int, v bool) {
	if uint(i) >= uint(b.n) {
		return
	}
	mask := uint64(1) << (i & 63)
	if v {
		b.words[i>>6] |= mask
	} else {
		b.words[i>>6] &^= mask
	}
}

// Count returns the number of bits that are 1.
func (b *Bitset) Count() int {
	n := 0
	for _, w := range b.words {
		n += bits.OnesCount64(w)
	}
	return n
}

// CountRange returns the number of bits that are 1 among the n bits from first on. Bits outside the
// set count as 0.
func (b *Bitset) CountRange(first, n int) int {
	from, to := max(first, 0), min(first+n, b.n)
	if from >= to {
		return 0
	}
	lo, hi := from>>6, (to-1)>>6
	head := ^uint64(0) << (from & 63)
	tail := ^uint64(0) >> (63 - (to-1)&63)
	if lo == hi {
		return bits.OnesCount64(b.words[lo] & head & tail)
	}
	count := bits.OnesCount64(b.words[lo]&head) + bits.OnesCount64(b.words[hi]&tail)
	for _, w := range b.words[lo+1 : hi] {
		count += bits.OnesCount64(w)
	}
	return count
}

// Range returns a copy of the n bits from first on. Those outside the set are 0. It returns
// [ErrLength] if n is not in 0 to [MaxServers].
func (b *Bitset) Range(first, n int) (*Bitset, error) {
	part, err := NewBitset(n)
	if err != nil {
		return nil, err
	}
	for i := range part.words {
		part.words[i] = b.word(first + 64*i)
	}
	if rest := n & 63; rest > 0 {
		part.words[len(part.words)-1] &= 1<<rest - 1
	}
	return part, nil
}

// word returns the 64 bits from any place on, the first one lowest.
func (b *Bitset) word(first int) uint64 {
	at := func(i int) uint64 {
		if uint(i) < uint(len(b.words)) {
			return b.words[i]
		}
		return 0
	}
	i, shift := first>>6, first&63
	return at(i)>>shift | at(i+1)<<(64-shift)
}

// Clone returns a copy of the set.
func (b *Bitset) Clone() *Bitset { return &Bitset{n: b.n, words: slices.Clone(b.words)} }

// AndNot sets b to the bits of x that are not in y and returns their number. For example, the
// servers that are known and not up are down. The three sets must have the same length, otherwise
// the error is [ErrLength]. They may be the same set.
func (b *Bitset) AndNot(x, y *Bitset) (int, error) {
	if err := b.sameLength(x, y); err != nil {
		return 0, err
	}
	n := 0
	xs, ys := x.words[:len(b.words)], y.words[:len(b.words)]
	for i := range b.words {
		w := xs[i] &^ ys[i]
		b.words[i] = w
		n += bits.OnesCount64(w)
	}
	return n, nil
}

// Xor sets b to the bits in which x and y differ and returns their number. The three sets must have
// the same length, otherwise the error is [ErrLength]. They may be the same set: two snapshots
// and the difference of one to the other are three sets of which any two make the third.
func (b *Bitset) Xor(x, y *Bitset) (int, error) {
	if err := b.sameLength(x, y); err != nil {
		return 0, err
	}
	n := 0
	xs, ys := x.words[:len(b.words)], y.words[:len(b.words)]
	for i := range b.words {
		w := xs[i] ^ ys[i]
		b.words[i] = w
		n += bits.OnesCount64(w)
	}
	return n, nil
}

// All returns an iterator over the bits that are 1, in order.
func (b *Bitset) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range b.words {
			for ; w != 0; w &= w - 1 {
				if !yield(i<<6 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

func (b *Bitset) sameLength(x, y *Bitset) error {
	if b.n != x.n || b.n != y.n {
		return fmt.Errorf("bitsets of %d, %d and %d bits: %w", b.n, x.n, y.n, ErrLength)
	}
	return nil
}
