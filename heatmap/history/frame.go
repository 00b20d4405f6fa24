package history

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/heliograph-net/heliograph/heatmap"
)

// frame is a map as it is stored: two planes that are sparse while most servers are up, so that
// they and their differences are short.
type frame struct{ down, unknown *heatmap.Bitset }

func newFrame(n int) (f frame, err error) {
	if f.down, err = heatmap.NewBitset(n); err == nil {
		f.unknown, err = heatmap.NewBitset(n)
	}
	return f, err
}

func frameOf(s heatmap.Snapshot) (frame, error) {
	f, err := newFrame(s.Up.Len())
	if err != nil {
		return f, err
	}
	known := s.Known
	if known == nil {
		known = full(s.Up.Len())
	}
	if _, err := f.down.AndNot(known, s.Up); err != nil {
		return f, err
	}
	_, err = f.unknown.AndNot(full(s.Up.Len()), known)
	return f, err
}

// snapshot returns the frame as a map.
func (f frame) snapshot() (s heatmap.Snapshot, err error) {
	s.Known, s.Up = full(f.down.Len()), full(f.down.Len())
	if _, err = s.Known.AndNot(s.Known, f.unknown); err == nil {
		_, err = s.Up.AndNot(s.Known, f.down)
	}
	return s, err
}

// full returns a set of n bits that are 1.
func full(n int) *heatmap.Bitset {
	b := bytes.Repeat([]byte{0xff}, (n+7)/8)
	if n%8 != 0 {
		b[len(b)-1] >>= 8 - n%8
	}
	s, err := heatmap.FromBytes(n, b)
	if err != nil {
		panic("history: a full set: " + err.Error()) // n is the length of another set
	}
	return s
}

// xor replaces f by its difference to g. If f is such a difference, xor restores it.
func (f frame) xor(g frame) error {
	if _, err := f.down.Xor(f.down, g.down); err != nil {
		return err
	}
	_, err := f.unknown.Xor(f.unknown, g.unknown)
	return err
}

// encode returns the payload of a key frame or a delta: the number of servers and both planes.
func (f frame) encode() []byte {
	b := binary.AppendUvarint(nil, uint64(f.down.Len()))
	return appendPlane(appendPlane(b, f.down), f.unknown)
}

// decodeFrame is the inverse of encode for a topology of n servers.
func decodeFrame(b []byte, n int) (f frame, err error) {
	d := decoder{b: b}
	if got := d.uvarint(heatmap.MaxServers); d.err == nil && got != n {
		return f, fmt.Errorf("frame of %d servers with a topology of %d: %w", got, n, ErrCorrupt)
	}
	f.down, f.unknown = d.plane(n), d.plane(n)
	if d.err == nil && len(d.b) > 0 {
		d.fail("bytes behind the frame")
	}
	return f, d.err
}

// A plane is the number of its bits, and for each of them the number of zeros before it. If that
// takes more than the bits themselves compressed, it is compressedPlane, the length of the
// compressed bytes, and these.
const compressedPlane = heatmap.MaxServers + 1

func appendPlane(dst []byte, set *heatmap.Bitset) []byte {
	n := set.Count()
	gaps := binary.AppendUvarint(nil, uint64(n))
	next := 0
	for i := range set.All() {
		gaps = binary.AppendUvarint(gaps, uint64(i-next))
		next = i + 1
	}
	if 8*n < set.Len()/8 { // too few for compression to be shorter
		return append(dst, gaps...)
	}
	packed := deflate(set.Bytes())
	if len(packed) >= len(gaps) {
		return append(dst, gaps...)
	}
	dst = binary.AppendUvarint(dst, compressedPlane)
	dst = binary.AppendUvarint(dst, uint64(len(packed)))
	return append(dst, packed...)
}

func deflate(b []byte) []byte {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.DefaultCompression) // the level is valid
	_, _ = w.Write(b)                                       // a Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

// decoder reads a payload. After the first error, what it returns is meaningless.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%s: %w", what, ErrCorrupt)
	}
}

func (d *decoder) uvarint(most uint64) int {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || v > most {
		d.fail("a number is torn or too large")
		d.b = nil
		return 0
	}
	d.b = d.b[n:]
	return int(v)
}

func (d *decoder) plane(n int) *heatmap.Bitset {
	set, err := heatmap.NewBitset(n)
	if err != nil {
		d.fail("a plane of that many servers")
		return nil
	}
	ones := d.uvarint(compressedPlane)
	if ones == compressedPlane {
		return d.compressed(n)
	}
	next := 0
	for range ones {
		i := next + d.uvarint(uint64(n))
		if i >= n {
			d.fail("a bit beyond the last server")
		}
		if d.err != nil {
			return nil
		}
		set.Set(i, true)
		next = i + 1
	}
	return set
}

func (d *decoder) compressed(n int) *heatmap.Bitset {
	length := d.uvarint(uint64(len(d.b)))
	if d.err != nil || length > len(d.b) {
		d.fail("a plane is torn")
		return nil
	}
	packed := flate.NewReader(bytes.NewReader(d.b[:length]))
	d.b = d.b[length:]
	raw, err := io.ReadAll(io.LimitReader(packed, int64(n+7)/8+1))
	if err != nil {
		d.fail("a plane does not unpack")
		return nil
	}
	set, err := heatmap.FromBytes(n, raw)
	if err != nil {
		d.fail("a plane unpacks to other than the servers' bits")
	}
	return set
}
