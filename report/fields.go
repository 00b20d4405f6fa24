package report

import (
	"unicode/utf8"

	"github.com/heliograph-net/heliograph/report/cbor"
)

// fields writes a map and leaves out fields that are zero. A map has fewer than 24 fields, so its
// head is one byte, which is incremented with every field.
type fields struct {
	b    []byte
	head int
}

func newFields(dst []byte) fields {
	return fields{b: cbor.AppendMap(dst, 0), head: len(dst)}
}

func (f *fields) key(k uint64) {
	f.b[f.head]++
	f.b = cbor.AppendUint(f.b, k)
}

func (f *fields) uint(k, v uint64) {
	if v != 0 {
		f.key(k)
		f.b = cbor.AppendUint(f.b, v)
	}
}

func (f *fields) int(k uint64, v int64) {
	if v != 0 {
		f.key(k)
		f.b = cbor.AppendInt(f.b, v)
	}
}

func (f *fields) text(k uint64, v string) {
	if v != "" {
		f.key(k)
		f.b = cbor.AppendText(f.b, v)
	}
}

func (f *fields) bytes16(k uint64, v [16]byte) {
	if v != [16]byte{} {
		f.key(k)
		f.b = cbor.AppendBytes(f.b, v[:])
	}
}

const presentZero = "a zero value must be absent"

// The functions below read the value of a field. It is never zero, because zero fields
// are left out.

func readUint(d *cbor.Decoder, max uint64) uint64 {
	v := d.Uint()
	if v == 0 {
		d.Fail(presentZero)
	}
	if v > max {
		d.Fail("number above its limit")
		return 0
	}
	return v
}

func readInt(d *cbor.Decoder) int64 {
	v := d.Int()
	if v == 0 {
		d.Fail(presentZero)
	}
	return v
}

func readText(d *cbor.Decoder, max int) string {
	s := d.Text(max)
	if s == "" {
		d.Fail(presentZero)
	}
	return s
}

func readBytes16(d *cbor.Decoder) (v [16]byte) {
	if copy(v[:], d.Bytes(len(v))) != len(v) {
		d.Fail("want 16 bytes")
	}
	if v == [16]byte{} {
		d.Fail(presentZero)
	}
	return v
}

// bounded reads a number that may be zero.
func bounded(d *cbor.Decoder, max uint64) uint64 {
	v := d.Uint()
	if v > max {
		d.Fail("number above its limit")
		return 0
	}
	return v
}

// textFault says what is wrong with a text that may be empty, or "".
func textFault(s string, max int) string {
	switch {
	case len(s) > max:
		return "too long"
	case !utf8.ValidString(s):
		return "not valid utf-8"
	default:
		return ""
	}
}

// nameFault is textFault for a text that must not be empty.
func nameFault(s string, max int) string {
	if s == "" {
		return "empty"
	}
	return textFault(s, max)
}

// within reports whether ms lies no further than MaxAge from zero.
func within(ms int64) bool { return ms >= -MaxAge && ms <= MaxAge }
