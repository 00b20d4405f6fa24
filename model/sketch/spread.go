package sketch

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// Part is the contribution of one client to a cell.
type Part struct {
	Raw       uint64  // reported requests; if 0, the Part is ignored
	Estimated float64 // requests that they represent; at least Raw
	// Whole is the number of requests of the same kind that the client reported in all cells; at
	// least Raw. It tells how loud the client is, over however many cells it spreads its requests.
	Whole uint64
}

// Bucket is the sum of the parts of similar clients: their wholes lie within a factor of two of
// each other, and their weights (Estimated/Raw) within a factor of four.
type Bucket struct {
	// sum of Raw/Whole; a client counts as one over all buckets that its parts are in
	Clients   float64
	Raw       uint64
	Estimated float64
}

// Whole returns the mean of the clients' wholes.
func (b Bucket) Whole() float64 { return float64(b.Raw) / b.Clients }

// Weight returns the mean number of requests that one reported request represents.
func (b Bucket) Weight() float64 { return b.Estimated / float64(b.Raw) }

// Spread is a histogram of clients by how loud they are and by the weight that they claim. It does
// not identify clients, but it allows loud ones to be clipped. The zero value is empty. It is not
// safe for concurrent use.
type Spread struct {
	cells []spreadCell // ascending by whole, then weight
}

type spreadCell struct {
	whole, weight uint8 // logarithms to base 2 and to base 4
	Bucket
}

// Add adds the part of one client.
func (s *Spread) Add(p Part) {
	if p.Raw == 0 {
		return
	}
	whole := max(p.Whole, p.Raw)
	weight := max(p.Estimated/float64(p.Raw), 1)
	s.add(spreadCell{
		whole: uint8(bits.Len64(whole)), weight: uint8(math.Ilogb(weight) / 2),
		Bucket: Bucket{float64(p.Raw) / float64(whole), p.Raw, p.Estimated},
	})
}

func (s *Spread) add(c spreadCell) {
	i, known := slices.BinarySearchFunc(s.cells, c, func(a, b spreadCell) int {
		return cmp.Or(cmp.Compare(a.whole, b.whole), cmp.Compare(a.weight, b.weight))
	})
	if !known {
		s.cells = slices.Insert(s.cells, i, c)
		return
	}
	at := &s.cells[i]
	at.Clients += c.Clients
	at.Raw = Sum(at.Raw, c.Raw)
	at.Estimated += c.Estimated
}

// Merge adds all parts of o to s. It does not change o.
func (s *Spread) Merge(o *Spread) {
	for _, c := range o.cells {
		s.add(c)
	}
}

// Sum returns a + b, at most 2^63-1, which is the most that databases store. Counters come from
// strangers, and a sum of them must not become small or unstorable.
func Sum(a, b uint64) uint64 {
	if a > math.MaxInt64 || b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}

// Buckets yields the buckets, those of quiet clients first. It is an [iter.Seq].
func (s *Spread) Buckets(yield func(Bucket) bool) {
	for i := range s.cells {
		if !yield(s.cells[i].Bucket) {
			return
		}
	}
}

// Append appends the encoding of the histogram to b and returns the result. Each bucket is encoded
// as the two logarithms, a byte each, the clients and the estimated requests as IEEE 754 doubles,
// and the raw requests as a varint. The encoding of an empty histogram is empty.
func (s *Spread) Append(b []byte) []byte {
	for _, c := range s.cells {
		b = append(b, c.whole, c.weight)
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(c.Clients))
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(c.Estimated))
		b = binary.AppendUvarint(b, c.Raw)
	}
	return b
}

// Decode sets s to the histogram that [Spread.Append] encoded as b. It keeps no reference to b. Its
// error wraps [ErrEncoding]; s is then empty.
func (s *Spread) Decode(b []byte) error {
	*s = Spread{}
	var cells []spreadCell
	for len(b) > 0 {
		if len(b) < 19 {
			return fmt.Errorf("%w: a spread that ends early", ErrEncoding)
		}
		c := spreadCell{whole: b[0], weight: b[1]}
		c.Clients = math.Float64frombits(binary.BigEndian.Uint64(b[2:]))
		c.Estimated = math.Float64frombits(binary.BigEndian.Uint64(b[10:]))
		var n int
		if c.Raw, n = binary.Uvarint(b[18:]); n <= 0 {
			return fmt.Errorf("%w: a spread without its requests", ErrEncoding)
		}
		if !(c.Clients > 0 && c.Raw > 0 && c.Estimated >= 0) || math.IsInf(c.Clients+c.Estimated, 0) {
			return fmt.Errorf("%w: a spread of %v clients with %d requests", ErrEncoding, c.Clients, c.Raw)
		}
		cells = append(cells, c)
		b = b[18+n:]
	}
	if !slices.IsSortedFunc(cells, func(a, b spreadCell) int {
		return cmp.Or(cmp.Compare(a.whole, b.whole), cmp.Compare(a.weight, b.weight), -1)
	}) {
		return fmt.Errorf("%w: a spread out of order", ErrEncoding)
	}
	s.cells = cells
	return nil
}
