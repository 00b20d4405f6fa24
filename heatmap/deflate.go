package heatmap

import (
	"encoding/binary"
	"math/bits"
)

// deflater writes one block of DEFLATE data with the fixed codes (RFC 1951, section 3.2.6). Rows of
// a heat map are like rows above them, and consist of runs. So it looks for repetitions in these
// places only, which finds most of what there is in a fraction of the time of a search for all.
type deflater struct {
	out     []byte
	pending uint64 // bits that are not in out yet, the next one lowest
	n       uint   // number of those, below 32

	inBytes, inRows [hatchPeriod + 1]code // of distances
}

// code is a number of bits to be written, the first one lowest.
type code struct {
	bits uint32
	n    uint8
}

const (
	shortestMatch = 3
	longestMatch  = 258
	// a match in another row takes as many bits as some three bytes
	worthwhileMatch = 4
	longMatch       = 32
	// rows after which the hatching of unknown servers is the same again
	hatchPeriod = 4
)

// literals and lengths are the codes of single bytes and of lengths of matches.
var literals, lengths = func() (l [256]code, m [longestMatch + 1]code) {
	for b := range l {
		l[b] = symbol(b)
	}
	for n := shortestMatch; n < longestMatch; n++ {
		m[n] = lengthCode(n)
	}
	m[longestMatch] = symbol(285)
	return l, m
}()

// symbol returns the fixed code of a literal, of the end of the block or of a class of lengths.
func symbol(s int) code {
	switch {
	case s < 144:
		return reversed(0b00110000+s, 8)
	case s < 256:
		return reversed(0b110010000+s-144, 9)
	case s < 280:
		return reversed(s-256, 7)
	}
	return reversed(0b11000000+s-280, 8)
}

func reversed(v, n int) code { return code{bits.Reverse32(uint32(v)) >> (32 - n), uint8(n)} }

// lengthCode returns the code of a length below longestMatch: that of its class, of which there are
// four for each power of two, and the extra bits.
func lengthCode(n int) code {
	v := n - shortestMatch
	extra := max(bits.Len(uint(v))-3, 0)
	c := symbol(257 + 4*extra + v>>extra)
	return c.then(v&(1<<extra-1), extra)
}

// distanceCode returns the code of a distance of 1 to 32,768: that of its class, of which
// there are two for each power of two, and the extra bits.
func distanceCode(d int) code {
	v := d - 1
	extra := max(bits.Len(uint(v))-2, 0)
	return reversed(2*extra+v>>extra, 5).then(v&(1<<extra-1), extra)
}

// then returns the code with n more bits, the lowest of v first.
func (c code) then(v, n int) code { return code{c.bits | uint32(v)<<c.n, c.n + uint8(n)} }

// begin begins the block, which is the last one, of rows of so many bytes. The distance of
// hatchPeriod rows must be at most 32,768.
func (d *deflater) begin(size int) {
	d.write(code{0b011, 3})
	for i := 1; i <= hatchPeriod; i++ {
		d.inBytes[i], d.inRows[i] = distanceCode(i), distanceCode(i*size)
	}
}

// end ends the block and fills up its last byte.
func (d *deflater) end() {
	d.write(symbol(256))
	for ; d.n > 0; d.n -= min(d.n, 8) {
		d.out = append(d.out, byte(d.pending))
		d.pending >>= 8
	}
}

func (d *deflater) write(c code) {
	d.pending |= uint64(c.bits) << d.n
	if d.n += uint(c.n); d.n >= 32 {
		d.out = binary.LittleEndian.AppendUint32(d.out, uint32(d.pending))
		d.pending >>= 32
		d.n -= 32
	}
}

// repeat writes n bytes, of which there must be shortestMatch at least, that equal those at a
// distance before them.
func (d *deflater) repeat(n int, distance code) {
	for n > 0 {
		now := min(n, longestMatch)
		if rest := n - now; rest > 0 && rest < shortestMatch {
			now -= shortestMatch
		}
		d.write(lengths[now])
		d.write(distance)
		n -= now
	}
}

// row writes row y of the picture. The last rows are in turn in rows, row y itself included.
func (d *deflater) row(y int, rows *[hatchPeriod + 1][]byte) {
	row := rows[y%len(rows)]
	for i := 0; i < len(row); {
		if n, distance := d.longest(y, i, rows); n > 0 {
			d.repeat(n, distance)
			i += n
			continue
		}
		d.write(literals[row[i]])
		i++
	}
}

// longest finds the longest repetition at place i of row y. It returns 0 if none is worthwhile. A
// long one will do.
func (d *deflater) longest(y, i int, rows *[hatchPeriod + 1][]byte) (longest int, distance code) {
	row := rows[y%len(rows)][i:]
	for _, back := range [...]int{1, hatchPeriod} {
		if back > y {
			break
		}
		n := common(row, rows[(y-back)%len(rows)][i:])
		if n >= longMatch {
			return n, d.inRows[back]
		}
		if n > longest && n >= worthwhileMatch {
			longest, distance = n, d.inRows[back]
		}
	}
	for back := 1; back <= min(i, 2); back++ {
		n := common(row, rows[y%len(rows)][i-back:])
		if n >= longest && n >= shortestMatch {
			longest, distance = n, d.inBytes[back]
		}
	}
	return longest, distance
}

// common returns how many bytes a and b, which may overlap, begin with that are the same.
func common(a, b []byte) int {
	n := 0
	for b = b[:len(a)]; len(a)-n >= 8; n += 8 {
		if diff := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); diff != 0 {
			return n + bits.TrailingZeros64(diff)/8
		}
	}
	for n < len(a) && a[n] == b[n] {
		n++
	}
	return n
}
