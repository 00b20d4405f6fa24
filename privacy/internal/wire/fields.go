// Package wire holds what the formats of the privacy packages have in common.
package wire

import "github.com/heliograph-net/heliograph/report/cbor"

// PresentZero is the reason to refuse a field that should have been left out.
const PresentZero = "a zero value is present"

// ReadExact reads a byte string of len(dst) bytes, not all of them zero, into dst.
func ReadExact(d *cbor.Decoder, dst []byte) {
	b := d.Bytes(len(dst))
	if len(b) < len(dst) {
		d.Fail("byte string too short")
		return
	}
	copy(dst, b)
	for _, c := range b {
		if c != 0 {
			return
		}
	}
	d.Fail(PresentZero)
}

// ReadPositive reads an unsigned integer of 1 to max. It is for fields that are left out if zero.
func ReadPositive(d *cbor.Decoder, max uint64) uint64 {
	v := d.Uint()
	switch {
	case v > max:
		d.Fail("number too large")
		return 0
	case v == 0:
		d.Fail(PresentZero)
	}
	return v
}

// ValidName reports whether s is 1 to max bytes of [a-z0-9_-.], and thus safe in logs and
// file names.
func ValidName(s string, max int) bool {
	if s == "" || len(s) > max {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return true
}
