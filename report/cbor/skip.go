package cbor

import "math"

// MaxDepth is how deeply arrays and maps may be nested in an item that [Decoder.Skip] reads.
const MaxDepth = 8

// FirstOptional is the lowest key of optional fields. A reader passes over those that it does not
// know, so that a later release can add one without locking older readers out. It refuses unknown
// fields with lower keys.
const FirstOptional = 64

// maxOptional is how many optional fields a map may have.
const maxOptional = 16

// Fields is [Decoder.Map] for a map of which the caller knows so many fields. The map may have 16
// optional ones as well.
func (d *Decoder) Fields(known int) int { return d.Map(known + maxOptional) }

// SkipField reads and discards the value of a field that the caller does not know. It fails if key
// is below [FirstOptional].
func (d *Decoder) SkipField(key uint64) {
	if key < FirstOptional {
		d.Fail("unknown key")
		return
	}
	d.skipped = true
	d.Skip()
}

// Skipped reports whether [Decoder.SkipField] has passed over a field, so that encoding again what
// was read makes other bytes.
func (d *Decoder) Skipped() bool { return d.skipped }

// Skip reads one item of any kind and discards it. It checks the same rules as the other methods,
// so a reader that skips unknown items still accepts only one encoding of them.
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
