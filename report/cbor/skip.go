package cbor

import "math"

// MaxDepth is how deeply arrays and maps may lie in each other in an item that Skip passes over.
const MaxDepth = 8

// Skip reads one item of any kind of the subset and forgets it. It holds the item to every rule
// that the other methods hold it to, so that a reader which passes over what it does not know still
// accepts one encoding only.
func (d *Decoder) Skip() { d.skip(MaxDepth) }

func (d *Decoder) skip(depth int) {
	if d.err != nil {
		return
	}
	if d.off >= len(d.b) {
		d.Fail("input ends too early")
		return
	}
	major := d.b[d.off] & 0xe0
	if depth == 0 && (major == majorArray || major == majorMap) {
		d.Fail("nested too deeply")
		return
	}
	switch major {
	case majorUint:
		d.Uint()
	case majorNegInt:
		d.Int()
	case majorBytes:
		d.Bytes(math.MaxInt)
	case majorText:
		d.Text(math.MaxInt)
	case majorArray:
		for n := d.Array(math.MaxInt); n > 0 && d.err == nil; n-- {
			d.skip(depth - 1)
		}
	case majorMap:
		d.skipMap(depth)
	case majorSimple:
		if b := d.b[d.off]; b != simpleFalse && b != simpleTrue {
			d.Fail("float, null or another simple value")
		}
		d.Bool()
	default:
		d.Fail("tag")
	}
}

func (d *Decoder) skipMap(depth int) {
	var key uint64
	for n := d.Map(math.MaxInt); n > 0 && d.err == nil; n-- {
		key = d.Key(key)
		d.skip(depth - 1)
	}
}
