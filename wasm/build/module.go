package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

// The parts of the WebAssembly binary format (W3C, WebAssembly Core, chapter 5) that shrink reads.
const (
	headSize    = 8 // magic number and version
	dataSection = 11
	opI32Const  = 0x41
	opEnd       = 0x0b
	maxMemory   = 64 << 20 // bytes of data; the agent has 3 MB
	maxSegments = 1 << 20
	// Zeros that are left out between two segments. The linker leaves out eight already, and its
	// 79,000 addresses cost more than the zeros when compressed.
	zeros = 4096
)

var errModule = errors.New("the module is not as the Go linker writes it")

// shrink returns a module that does the same and is smaller when compressed: it leaves out what
// only traces of the stack show, and has few segments of data.
func shrink(module []byte) ([]byte, error) {
	head, begin, end, err := findData(module)
	if err != nil {
		return nil, err
	}
	low, image, err := load(module[begin:end])
	if err != nil {
		return nil, err
	}
	if err := stripTraces(image); err != nil {
		return nil, err
	}
	section := segments(low, image)
	out := append(slices.Clone(module[:head]), dataSection)
	out = binary.AppendUvarint(out, uint64(len(section)))
	out = append(out, section...)
	return append(out, module[end:]...), nil
}

// findData returns where the data section begins, and where its contents lie.
func findData(module []byte) (head, begin, end int, err error) {
	r := reader{module, headSize}
	for r.at < len(module) {
		head = r.at
		id := r.byte()
		size := r.unsigned()
		if r.at < 0 || size > uint64(len(module)-r.at) {
			return 0, 0, 0, errModule
		}
		if id == dataSection {
			return head, r.at, r.at + int(size), nil
		}
		r.at += int(size)
	}
	return 0, 0, 0, errModule
}

// segment is a part of the memory at the start.
type segment struct {
	address int
	data    []byte
}

// load returns the memory that the segments of a data section make, and its lowest address.
func load(section []byte) (low int, image []byte, err error) {
	r := reader{section, 0}
	n := r.unsigned()
	if n == 0 || n > maxSegments {
		return 0, nil, errModule
	}
	list := make([]segment, n)
	for i := range list {
		memory, op, address, end := r.byte(), r.byte(), r.signed(), r.byte()
		size := r.unsigned()
		if r.at < 0 || memory != 0 || op != opI32Const || end != opEnd || size > uint64(len(section)-r.at) {
			return 0, nil, errModule
		}
		list[i] = segment{int(address), section[r.at : r.at+int(size)]}
		r.at += int(size)
	}
	slices.SortFunc(list, func(a, b segment) int { return a.address - b.address })
	low = list[0].address
	for _, s := range list {
		from := s.address - low
		if low < 0 || from < len(image) || from > maxMemory {
			return 0, nil, errModule
		}
		image = append(image, make([]byte, from-len(image))...)
		image = append(image, s.data...)
	}
	return low, image, nil
}

// segments returns the contents of a data section that makes image at the address low.
func segments(low int, image []byte) []byte {
	var body []byte
	n := uint64(0)
	gap := make([]byte, zeros)
	for at := 0; at < len(image); n++ {
		size := bytes.Index(image[at:], gap)
		if size < 0 {
			size = len(image) - at
		}
		body = append(body, 0, opI32Const)
		body = appendSigned(body, int64(low+at))
		body = append(body, opEnd)
		body = binary.AppendUvarint(body, uint64(size))
		body = append(body, image[at:at+size]...)
		for at += size; at < len(image) && image[at] == 0; at++ {
		}
	}
	return append(binary.AppendUvarint(nil, n), body...)
}

// reader reads b from at on. After what cannot be read, at is negative.
type reader struct {
	b  []byte
	at int
}

func (r *reader) byte() byte {
	if r.at < 0 || r.at >= len(r.b) {
		r.at = -1
		return 0
	}
	r.at++
	return r.b[r.at-1]
}

// unsigned reads a number in LEB128.
func (r *reader) unsigned() (n uint64) {
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
	r.at = -1
	return 0
}

// signed reads a number with a sign in LEB128.
func (r *reader) signed() (n int64) {
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		n |= int64(c&0x7f) << shift
		if c < 0x80 {
			return n << (57 - shift) >> (57 - shift)
		}
	}
	r.at = -1
	return 0
}

// appendSigned appends n to b in LEB128.
func appendSigned(b []byte, n int64) []byte {
	for n < -64 || n > 63 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n)&0x7f)
}
