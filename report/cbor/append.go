// Package cbor reads and writes the subset of deterministic CBOR (RFC 8949, section 4.2.1) that
// Heliograph uses: 64-bit unsigned and negative integers, byte strings, text strings, booleans,
// arrays, and maps whose keys are unsigned integers. There are no floats, tags, nulls or indefinite
// lengths. Every value therefore has exactly one encoding, and [Decoder] refuses any other.
//
// The Append functions cannot fail. A [Decoder] keeps its first error, so a caller can read a whole
// structure and check for an error once, with [Decoder.Done].
package cbor

// The major types of RFC 8949, section 3.1, in the upper three bits of an item's first byte.
const (
	majorUint   = 0 << 5
	majorNegInt = 1 << 5
	majorBytes  = 2 << 5
	majorText   = 3 << 5
	majorArray  = 4 << 5
	majorMap    = 5 << 5
	majorSimple = 7 << 5
)

const (
	simpleFalse = majorSimple | 20
	simpleTrue  = majorSimple | 21
)

// AppendUint appends v in the shortest form.
func AppendUint(dst []byte, v uint64) []byte { return appendHead(dst, majorUint, v) }

// AppendInt appends v in the shortest form: as an unsigned integer if it is not negative.
func AppendInt(dst []byte, v int64) []byte {
	if v < 0 {
		return appendHead(dst, majorNegInt, uint64(^v)) // ^v is -1-v, which is what CBOR stores
	}
	return appendHead(dst, majorUint, uint64(v))
}

// AppendBytes appends b as a byte string.
func AppendBytes(dst, b []byte) []byte {
	return append(appendHead(dst, majorBytes, uint64(len(b))), b...)
}

// AppendText appends s as a text string. The caller must ensure that s is valid UTF-8; a [Decoder]
// refuses anything else.
func AppendText(dst []byte, s string) []byte {
	return append(appendHead(dst, majorText, uint64(len(s))), s...)
}

// AppendArray appends the head of an array of n items, n >= 0. The caller must append the items.
func AppendArray(dst []byte, n int) []byte { return appendHead(dst, majorArray, uint64(n)) }

// AppendMap appends the head of a map of n pairs, n >= 0. The caller must append the pairs, each
// key before its value, and with the keys in ascending order.
func AppendMap(dst []byte, n int) []byte { return appendHead(dst, majorMap, uint64(n)) }

// AppendBool appends v as a boolean.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, simpleTrue)
	}
	return append(dst, simpleFalse)
}

// appendHead appends a first byte and its argument in the fewest bytes (RFC 8949, section 4.2.1).
func appendHead(dst []byte, major byte, v uint64) []byte {
	switch {
	case v < 24:
		return append(dst, major|byte(v))
	case v < 1<<8:
		return append(dst, major|24, byte(v))
	case v < 1<<16:
		return append(dst, major|25, byte(v>>8), byte(v))
	case v < 1<<32:
		return append(dst, major|26, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	default:
		return append(dst, major|27, byte(v>>56), byte(v>>48), byte(v>>40), byte(v>>32), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
}
