package cbor

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// Error describes where and why a [Decoder] refused its input. It contains no part of the input.
type Error struct {
	Offset int    // offset in bytes of the refused item
	Reason string // why, in lower case
}

// Error implements error.
func (e *Error) Error() string { return "at byte " + strconv.Itoa(e.Offset) + ": " + e.Reason }

// Decoder reads items from a byte slice, one after another. After its first error every method
// returns a zero value and changes nothing. A caller may therefore read on and check [Decoder.Err]
// or [Decoder.Done] once; a loop over the result of [Decoder.Array] or [Decoder.Map] then ends at
// once. A Decoder allocates only its error and the strings that [Decoder.Text] returns. It is not
// safe for concurrent use.
type Decoder struct {
	b   []byte
	off int
	err *Error

	skipped bool // see Skipped
}

// New returns a Decoder that reads b. The caller must not change b while the Decoder, or a slice
// that [Decoder.Bytes] returned, is in use.
func New(b []byte) *Decoder { return &Decoder{b: b} }

// Err returns the first error, which is an *[Error], or nil.
func (d *Decoder) Err() error {
	if d.err == nil {
		return nil // a nil *Error in an error would not be nil
	}
	return d.err
}

// Done returns the result of [Decoder.Err]. If that is nil but bytes are left over, it returns an
// error.
func (d *Decoder) Done() error {
	if d.err == nil && d.off < len(d.b) {
		d.Fail("bytes after the end")
	}
	return d.Err()
}

// Fail records an error with the given reason at the current offset, unless there already is one.
// It is for rules that only the caller knows.
func (d *Decoder) Fail(reason string) { d.failAt(d.off, reason) }

func (d *Decoder) failAt(off int, reason string) {
	if d.err == nil {
		d.err = &Error{Offset: off, Reason: reason}
	}
}

// Uint reads an unsigned integer.
func (d *Decoder) Uint() uint64 { return d.expect(majorUint, "want an unsigned integer") }

// Int reads an integer of either sign. It refuses integers that do not fit into an int64.
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

// Bytes reads a byte string of at most max bytes. The result is a slice of the Decoder's input; the
// caller must copy what has to outlive it.
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

// Array reads the head of an array of at most max items and returns the number of items, which the
// caller must then read. The number never exceeds the number of bytes left, so it is safe to
// allocate that many items.
func (d *Decoder) Array(max int) int {
	return d.length(majorArray, max, 1, "want an array", "array too long")
}

// Map reads the head of a map of at most max pairs and returns the number of pairs, which the
// caller must then read, each key with [Decoder.Key]. Twice the number never exceeds the number of
// bytes left.
func (d *Decoder) Map(max int) int {
	return d.length(majorMap, max, 2, "want a map", "map too long")
}

// Key reads the next key of a map. Keys are unsigned integers above 0 in strictly ascending order.
// prev is the previous key, or 0 for the first.
//
//	var key uint64
//	for range d.Fields(2) {
//		switch key = d.Key(key); key {
//		case 1: …
//		default: d.SkipField(key)
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
