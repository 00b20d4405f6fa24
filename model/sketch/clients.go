// Package sketch counts distinct clients without storing who they are.
//
// Start with [Clients], a set of at most about one kilobyte that can be added to, merged and
// counted. [Hash] turns a client's token into a member of the set. [Spread] describes how requests
// are spread over the clients.
//
// The package is separate from package model because its estimates need a library that programs
// which only send queries need not link.
package sketch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/axiomhq/hyperloglog"
)

// maxExact is the most clients that a set counts exactly. Beyond it the count is an estimate.
const maxExact = 64

// precision is the logarithm to base 2 of the number of registers of an estimate. 1024 registers
// take a kilobyte and give a standard error of 1.04/√1024 = 3.3 %.
const precision = 10

// ErrEncoding is returned, wrapped, for bytes that are not a valid encoding of a [Clients] or a
// [Spread].
var ErrEncoding = errors.New("damaged sketch")

// The first byte of an encoded set is its kind.
const (
	kindExact = 1 // hashes follow, 8 bytes each, big endian, ascending
	kindRough = 2 // a sketch of axiomhq/hyperloglog follows
)

// Clients is a set of clients, each given by its hash. The zero value is an empty set. It is not
// safe for concurrent use.
type Clients struct {
	exact []uint64            // ascending; nil if rough is not nil
	rough *hyperloglog.Sketch // nil as long as there are at most maxExact clients
}

// Add adds a client by its hash. Hashes must be uniformly distributed; see [Hash].
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

// roughen converts the set to an estimate.
func (c *Clients) roughen() {
	if c.rough != nil {
		return
	}
	c.rough, _ = hyperloglog.NewSketch(precision, false) // fails only for a wrong precision
	for _, hash := range c.exact {
		c.rough.InsertHash(hash)
	}
	c.exact = nil
}

// Merge adds all clients of o to c. It does not change o.
func (c *Clients) Merge(o *Clients) {
	if o.rough == nil {
		for _, hash := range o.exact {
			c.Add(hash)
		}
		return
	}
	c.roughen()
	_ = c.rough.Merge(o.rough) // fails only if the precisions differ
}

// Count returns the number of distinct clients. It is exact up to 64 and an estimate above that.
func (c *Clients) Count() int {
	if c.rough == nil {
		return len(c.exact)
	}
	return max(int(c.rough.Estimate()), maxExact+1)
}

// Clone returns a copy of c that shares no memory with it.
func (c *Clients) Clone() Clients {
	o := Clients{exact: slices.Clone(c.exact)}
	if c.rough != nil {
		o.rough = c.rough.Clone()
	}
	return o
}

// Append appends the encoding of the set to b and returns the result. The encoding of an empty set
// is empty.
func (c *Clients) Append(b []byte) []byte {
	switch {
	case c.rough != nil:
		b, _ = c.rough.AppendBinary(append(b, kindRough)) // fails only for a wrong precision
	case len(c.exact) > 0:
		b = append(b, kindExact)
		for _, hash := range c.exact {
			b = binary.BigEndian.AppendUint64(b, hash)
		}
	}
	return b
}

// Decode sets c to the set that [Clients.Append] encoded as b. It keeps no reference to b. Its
// error wraps [ErrEncoding]; c is then empty.
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
	if len(b) < 2 || b[1] != precision { // the library allocates as the precision says
		return fmt.Errorf("%w: a set of clients of another precision", ErrEncoding)
	}
	rough := new(hyperloglog.Sketch)
	if err := rough.UnmarshalBinary(b); err != nil {
		return fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	c.rough = rough
	return nil
}
