package privacy

import "github.com/heliograph-net/heliograph/report/cbor"

// Why a decoder refuses a field: one that should have been left out, and one that this version does not have.
const (
	presentZero = "a zero value is present"
	unknownKey  = "unknown key"
)

// readExact reads a byte string of len(dst) bytes, not all of them zero, into dst.
func readExact(d *cbor.Decoder, dst []byte) {
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
	d.Fail(presentZero)
}

// readPositive reads an unsigned integer of 1 to max, for fields that are left out when they are zero.
func readPositive(d *cbor.Decoder, max uint64) uint64 {
	v := d.Uint()
	switch {
	case v > max:
		d.Fail("number too large")
		return 0
	case v == 0:
		d.Fail(presentZero)
	}
	return v
}

// validName reports whether s is 1 to max bytes of [a-z0-9_-.], which can be logged, compared and used in a file name as it is.
func validName(s string, max int) bool {
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
