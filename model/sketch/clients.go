// Package sketch counts distinct clients without keeping who they are.
//
// [Clients] is a set that can be added to, merged and counted, and that never grows beyond about a
// kilobyte. It is apart from package model because it needs a library for its estimates, which
// those who only ask questions need not link. [Hash] makes of a client's token what goes into it.
package sketch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/axiomhq/hyperloglog"
)

// maxExact is how many clients a set knows exactly. Beyond it the count is an estimate.
const maxExact = 64

// precision is the logarithm of the number of registers of an estimate: 1024 of them take a
// kilobyte and give a standard error of 1.04/√1024, that is 3.3 %.
const precision = 10

// ErrEncoding says that bytes are no encoding of what they are read as.
var ErrEncoding = errors.New("damaged sketch")

// Encodings of a set begin with its kind.
const (
	kindExact = 1 // hashes follow, 8 bytes each, big endian, ascending
	kindRough = 2 // a sketch of axiomhq/hyperloglog follows
)

// Clients is a set of hashes of clients. The zero value is empty. It is not safe for
// concurrent use.
type Clients struct {
	exact []uint64            // ascending; nil when rough is not
	rough *hyperloglog.Sketch // nil while there are at most maxExact
}

// Add adds a client by its hash, which must be uniform: see [Hash].
func (c *Clients) Add(hash uint64) {
	if c.rough != nil {
		c.rough.InsertHash(hash)
		return
	}
	i, known := slices.BinarySearch(c.exact, hash)
	if known {
		return
	}
	c.exact = slices.Insert(c.exact, i, hash)
	if len(c.exact) > maxExact {
		c.roughen()
	}
}

// roughen goes over to an estimate.
func (c *Clients) roughen() {
	if c.rough != nil {
		return
	}
	c.rough, _ = hyperloglog.NewSketch(precision, false) // it fails for a wrong precision only
	for _, hash := range c.exact {
		c.rough.InsertHash(hash)
	}
	c.exact = nil
}

// Merge adds all clients of o, which stays as it is.
func (c *Clients) Merge(o *Clients) {
	if o.rough == nil {
		for _, hash := range o.exact {
			c.Add(hash)
		}
		return
	}
	c.roughen()
	_ = c.rough.Merge(o.rough) // it fails for another precision only
}

// Count is the number of distinct clients: exact up to 64, and an estimate beyond.
func (c *Clients) Count() int {
	if c.rough == nil {
		return len(c.exact)
	}
	return max(int(c.rough.Estimate()), maxExact+1)
}

// Clone is a set that shares nothing with c.
func (c *Clients) Clone() Clients {
	o := Clients{exact: slices.Clone(c.exact)}
	if c.rough != nil {
		o.rough = c.rough.Clone()
	}
	return o
}

// Append appends the encoding of the set, which is empty for an empty one.
func (c *Clients) Append(b []byte) []byte {
	switch {
	case c.rough != nil:
		b, _ = c.rough.AppendBinary(append(b, kindRough)) // it fails for a wrong precision only
	case len(c.exact) > 0:
		b = append(b, kindExact)
		for _, hash := range c.exact {
			b = binary.BigEndian.AppendUint64(b, hash)
		}
	}
	return b
}

// Decode sets c to what Append has encoded; it keeps nothing of b. Its error wraps [ErrEncoding].
func (c *Clients) Decode(b []byte) error {
	*c = Clients{}
	if len(b) == 0 {
		return nil
	}
	switch kind, body := b[0], b[1:]; kind {
	case kindExact:
		return c.decodeExact(body)
	case kindRough:
		return c.decodeRough(body)
	default:
		return fmt.Errorf("%w: kind %d of a set of clients", ErrEncoding, kind)
	}
}

func (c *Clients) decodeExact(b []byte) error {
	if len(b) == 0 || len(b)%8 != 0 || len(b)/8 > maxExact {
		return fmt.Errorf("%w: a set of clients of %d bytes", ErrEncoding, len(b))
	}
	exact := make([]uint64, len(b)/8)
	for i := range exact {
		exact[i] = binary.BigEndian.Uint64(b[8*i:])
		if i > 0 && exact[i] <= exact[i-1] {
			return fmt.Errorf("%w: a set of clients out of order", ErrEncoding)
		}
	}
	c.exact = exact
	return nil
}

func (c *Clients) decodeRough(b []byte) error {
	if len(b) < 2 || b[1] != precision { // the library allocates what the precision says
		return fmt.Errorf("%w: a set of clients of another precision", ErrEncoding)
	}
	rough := new(hyperloglog.Sketch)
	if err := rough.UnmarshalBinary(b); err != nil {
		return fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	c.rough = rough
	return nil
}
