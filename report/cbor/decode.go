package cbor

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// Error says where and why a Decoder refused its input. It quotes nothing of the input.
type Error struct {
	Offset int    // bytes before the item that was refused
	Reason string // why, in lower case
}

// Error implements error.
func (e *Error) Error() string { return "at byte " + strconv.Itoa(e.Offset) + ": " + e.Reason }

// Decoder reads items from a byte slice, one after another. After its first error every method
// returns a zero value and changes nothing, so a caller may read on and look at Err or Done once; a
// loop over the result of Array or Map then ends at once. Nothing is allocated but the error and
// the strings that Text returns. It is not safe for concurrent use.
type Decoder struct {
	b   []byte
	off int
	err *Error
}

// New returns a Decoder of b, which must not change while the Decoder or a slice from Bytes
// is in use.
func New(b []byte) *Decoder { return &Decoder{b: b} }

// Err is the first error, an *Error, or nil.
func (d *Decoder) Err() error {
	if d.err == nil {
		return nil // a nil *Error in an error would not be nil
	}
	return d.err
}

// Done is Err, or an error when bytes are left over.
func (d *Decoder) Done() error {
	if d.err == nil && d.off < len(d.b) {
		d.Fail("bytes after the end")
	}
	return d.Err()
}

// Fail makes the Decoder refuse its input for a reason that only its caller can know, unless it has
// refused it already.
func (d *Decoder) Fail(reason string) { d.failAt(d.off, reason) }

func (d *Decoder) failAt(off int, reason string) {
	if d.err == nil {
		d.err = &Error{Offset: off, Reason: reason}
	}
}

// Uint reads an unsigned integer.
func (d *Decoder) Uint() uint64 { return d.expect(majorUint, "want an unsigned integer") }

// Int reads an integer of either sign. Those outside int64 are refused.
func (d *Decoder) Int() int64 {
	at := d.off
	major, v := d.head()
	switch {
	case d.err != nil:
		return 0
	case major != majorUint && major != majorNegInt:
		d.failAt(at, "want an integer")
		return 0
	case v > math.MaxInt64:
		d.failAt(at, "integer outside of 64 bits")
		return 0
	case major == majorNegInt:
		return ^int64(v)
	default:
		return int64(v)
	}
}

// Bytes reads a byte string of at most max bytes. The result is a part of the Decoder's input: copy
// what must outlive it.
func (d *Decoder) Bytes(max int) []byte {
	n := d.length(majorBytes, max, 1, "want a byte string", "byte string too long")
	return d.take(n)
}

// Text reads a text string of at most max bytes of valid UTF-8.
func (d *Decoder) Text(max int) string {
	at := d.off
	n := d.length(majorText, max, 1, "want a text string", "text string too long")
	b := d.take(n)
	if !utf8.Valid(b) {
		d.failAt(at, "text is not valid utf-8")
		return ""
	}
	return string(b)
}

// Array reads the head of an array of at most max items and returns their number; the caller reads
// that many items. The number never exceeds the bytes that are left, so it is safe to allocate by.
func (d *Decoder) Array(max int) int {
	return d.length(majorArray, max, 1, "want an array", "array too long")
}

// Map reads the head of a map of at most max pairs and returns their number; the caller reads that
// many pairs, each key with Key. Twice the number never exceeds the bytes that are left.
func (d *Decoder) Map(max int) int {
	return d.length(majorMap, max, 2, "want a map", "map too long")
}

// Key reads a map's next key. Keys are unsigned integers from 1 and rise strictly: prev is the key
// before, 0 for the first.
//
//	var key uint64
//	for range d.Map(2) {
//		switch key = d.Key(key); key {
//		case 1: …
//		default: d.Fail("unknown key")
//		}
//	}
func (d *Decoder) Key(prev uint64) uint64 {
	at := d.off
	key := d.Uint()
	if d.err == nil && key <= prev {
		d.failAt(at, "map key out of order")
		return 0
	}
	return key
}

// Bool reads a boolean.
func (d *Decoder) Bool() bool {
	if d.err != nil {
		return false
	}
	if d.off < len(d.b) {
		switch d.b[d.off] {
		case simpleFalse:
			d.off++
			return false
		case simpleTrue:
			d.off++
			return true
		}
	}
	d.Fail("want a boolean")
	return false
}

// length reads the head of an item whose argument counts bytes, items or pairs of at least size
// bytes each.
func (d *Decoder) length(major byte, max, size int, want, tooLong string) int {
	at := d.off
	v := d.expect(major, want)
	switch { // after an error v is 0 and another failAt changes nothing
	case v > uint64((len(d.b)-d.off)/size):
		d.failAt(at, "longer than the input")
		return 0
	case max < 0 || v > uint64(max):
		d.failAt(at, tooLong)
		return 0
	}
	return int(v)
}

// take returns the next n bytes; length has checked that they are there.
func (d *Decoder) take(n int) []byte {
	if d.err != nil {
		return nil
	}
	b := d.b[d.off : d.off+n : d.off+n]
	d.off += n
	return b
}

// expect reads a head of one major type and returns its argument.
func (d *Decoder) expect(major byte, want string) uint64 {
	at := d.off
	m, v := d.head()
	if d.err != nil {
		return 0
	}
	if m != major {
		d.failAt(at, want)
		return 0
	}
	return v
}

// head reads an item's first byte and its argument, which must be in the shortest form.
func (d *Decoder) head() (major byte, v uint64) {
	if d.err != nil {
		return 0, 0
	}
	if d.off >= len(d.b) {
		d.Fail("input ends too early")
		return 0, 0
	}
	first := d.b[d.off]
	major, info := first&0xe0, first&0x1f
	if info < 24 {
		d.off++
		return major, uint64(info)
	}
	if info > 27 || major == majorSimple {
		d.Fail("indefinite length, float or reserved form")
		return 0, 0
	}
	n := 1 << (info - 24)
	if len(d.b)-d.off-1 < n {
		d.Fail("input ends too early")
		return 0, 0
	}
	for _, c := range d.b[d.off+1 : d.off+1+n] {
		v = v<<8 | uint64(c)
	}
	if !shortest(n, v) {
		d.Fail("not the shortest form")
		return 0, 0
	}
	d.off += 1 + n
	return major, v
}

// shortest reports whether v needs an argument of n bytes, and not fewer.
func shortest(n int, v uint64) bool {
	switch n {
	case 1:
		return v >= 24
	case 2:
		return v >= 1<<8
	case 4:
		return v >= 1<<16
	default:
		return v >= 1<<32
	}
}
