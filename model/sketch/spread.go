package sketch

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// Part is what one client gave to a cell.
type Part struct {
	Raw       uint64  // requests that were reported; a Part of none is nothing
	Estimated float64 // requests that they stand for; at least Raw
	// Whole is what the client reported of the same kind altogether, in this cell and in others; at
	// least Raw. It says how loud the client is, however many cells it spreads its requests over.
	Whole uint64
}

// Bucket is a sum over parts whose wholes are alike to within a factor of two, and whose weights
// (Estimated over Raw) are to within a factor of four.
type Bucket struct {
	// sum of Raw/Whole: a client whose parts all lie in such buckets counts as one
	Clients   float64
	Raw       uint64
	Estimated float64
}

// Whole is the mean of the clients' wholes.
func (b Bucket) Whole() float64 { return float64(b.Raw) / b.Clients }

// Weight is the mean number of requests that one reported request stands for.
func (b Bucket) Weight() float64 { return b.Estimated / float64(b.Raw) }

// Spread says how requests spread over clients that are not told apart: a histogram by how loud
// clients are and by the weight that they claim. With it, loud clients can be clipped although
// nobody knows who they are. The zero value is empty. It is not safe for concurrent use.
type Spread struct {
	cells []spreadCell // ascending by whole, then weight
}

type spreadCell struct {
	whole, weight uint8 // logarithms to base 2 and to base 4
	Bucket
}

// Add adds a client's part.
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
	at.Raw += c.Raw
	at.Estimated += c.Estimated
}

// Merge adds all parts of o, which stays as it is.
func (s *Spread) Merge(o *Spread) {
	for _, c := range o.cells {
		s.add(c)
	}
}

// Buckets are the sums, of quiet clients first. The caller must not change them.
func (s *Spread) Buckets(yield func(Bucket) bool) {
	for i := range s.cells {
		if !yield(s.cells[i].Bucket) {
			return
		}
	}
}

// Append appends the encoding of the histogram, which is empty for an empty one: for each bucket
// the two logarithms, a byte each, the clients and the estimated requests as IEEE 754 doubles, and
// the raw requests as a varint.
func (s *Spread) Append(b []byte) []byte {
	for _, c := range s.cells {
		b = append(b, c.whole, c.weight)
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(c.Clients))
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(c.Estimated))
		b = binary.AppendUvarint(b, c.Raw)
	}
	return b
}

// Decode sets s to what Append has encoded; it keeps nothing of b. Its error wraps [ErrEncoding].
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
