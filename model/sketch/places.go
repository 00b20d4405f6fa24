package sketch

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/heliograph-net/heliograph/report"
)

// Places says how many requests came from which bucket (see [report.Bucket]): what collectors saw,
// where [Clients] and [Spread] say what clients claim. It has 4097 entries at most, and is exact.
// Requests of clients whose bucket is unknown have bucket 0. The zero value is empty. It is not
// safe for concurrent use.
type Places struct {
	all []Place // ascending by bucket
}

// Place is the sum of the requests from one bucket.
type Place struct {
	Bucket    report.Bucket
	Raw       uint64  // reported requests, at least 1
	Estimated float64 // requests that they represent
}

// Add adds requests. Those of none, or of a bucket beyond report.MaxBucket, are ignored.
func (p *Places) Add(o Place) {
	if o.Raw == 0 || o.Bucket > report.MaxBucket {
		return
	}
	i, known := slices.BinarySearchFunc(p.all, o.Bucket, func(a Place, b report.Bucket) int { return int(a.Bucket) - int(b) })
	if !known {
		p.all = slices.Insert(p.all, i, o)
		return
	}
	p.all[i].Raw = Sum(p.all[i].Raw, o.Raw)
	p.all[i].Estimated += o.Estimated
}

// Merge adds all requests of o to p. It does not change o.
func (p *Places) Merge(o *Places) {
	for _, c := range o.all {
		p.Add(c)
	}
}

// Count returns the number of distinct buckets that are known.
func (p *Places) Count() int {
	if p.Unknown() {
		return len(p.all) - 1
	}
	return len(p.all)
}

// Unknown reports whether there are requests whose bucket is unknown.
func (p *Places) Unknown() bool { return len(p.all) > 0 && p.all[0].Bucket == 0 }

// Each yields the places in the order of their buckets. It is an [iter.Seq].
func (p *Places) Each(yield func(Place) bool) {
	for _, c := range p.all {
		if !yield(c) {
			return
		}
	}
}

// Append appends the encoding of p to b and returns the result: for each place the difference to
// the bucket before it and the reported requests as varints, and the represented requests as an
// IEEE 754 double, or, if they are as many, a zero bit. The encoding of an empty value is empty.
func (p *Places) Append(b []byte) []byte {
	last := uint64(0)
	for _, c := range p.all {
		weighted := uint64(0)
		if c.Estimated != float64(c.Raw) {
			weighted = 1
		}
		b = binary.AppendUvarint(b, (uint64(c.Bucket)-last)<<1|weighted)
		b = binary.AppendUvarint(b, c.Raw)
		if weighted == 1 {
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(c.Estimated))
		}
		last = uint64(c.Bucket)
	}
	return b
}

// Decode sets p to what [Places.Append] encoded as b. It keeps no reference to b. Its error wraps
// [ErrEncoding]; p is then empty.
func (p *Places) Decode(b []byte) error {
	*p = Places{}
	var all []Place
	last := uint64(0)
	for len(b) > 0 {
		step, n := binary.Uvarint(b)
		if n <= 0 || step>>1 > report.MaxBucket {
			return fmt.Errorf("%w: places that end early", ErrEncoding)
		}
		raw, m := binary.Uvarint(b[n:])
		if m <= 0 {
			return fmt.Errorf("%w: a place without its requests", ErrEncoding)
		}
		b = b[n+m:]
		c := Place{Bucket: report.Bucket(last + step>>1), Raw: raw, Estimated: float64(raw)}
		if step&1 == 1 {
			if len(b) < 8 {
				return fmt.Errorf("%w: a place without its weight", ErrEncoding)
			}
			c.Estimated = math.Float64frombits(binary.BigEndian.Uint64(b))
			b = b[8:]
		}
		if len(all) > 0 && step>>1 == 0 || last+step>>1 > report.MaxBucket || raw == 0 || !(c.Estimated >= 0) || math.IsInf(c.Estimated, 0) {
			return fmt.Errorf("%w: place %d with %d requests", ErrEncoding, c.Bucket, raw)
		}
		last = uint64(c.Bucket)
		all = append(all, c)
	}
	p.all = all
	return nil
}
