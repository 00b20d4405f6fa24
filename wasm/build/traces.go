package main

import (
	"bytes"
	"encoding/binary"
)

// The layout of runtime.pclntab in memory: pcHeader and _func in Go's runtime/symtab.go and
// runtime/runtime2.go. Numbers are little-endian.
const (
	headerSize  = 72
	funcSize    = 44 // without its lists
	offFile     = 20 // in _func: the table of files
	offLine     = 24
	offTables   = 28 // the number of further tables
	offUnit     = 32
	offStart    = 36 // the function's first line
	offFuncdata = 43
	// PCDATA_UnsafePoint: where a signal may stop a goroutine, which none does here
	tableUnsafe  = 0
	tableArgLive = 3 // PCDATA_ArgLiveIndex, and for the same purpose:
	dataArgs     = 5 // FUNCDATA_ArgInfo
	dataArgLive  = 6 // FUNCDATA_ArgLiveInfo
	noData       = ^uint32(0)
)

// magic is how the header begins: the version (abi.Go120PCLnTabMagic), instructions of one byte,
// pointers of eight.
var magic = []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8}

// tables are the parts of the pclntab, as indices of image.
type tables struct {
	image                                []byte
	funcs                                int
	names, units, files, values, entries int
}

// stripTraces sets to zero what only a trace of the stack shows: the files and lines of all code,
// the names of functions, and which arguments can be printed. What the garbage collector and panics
// use stays: sizes of frames, maps of pointers, deferred calls.
func stripTraces(image []byte) error {
	t, ok := findTables(image)
	if !ok {
		return errModule
	}
	used := make([]bool, t.entries-t.values)
	for i := range t.funcs {
		if !t.stripFunc(i, used) {
			return errModule
		}
	}
	clear(image[t.units:t.values])
	for i := range used {
		if !used[i] {
			image[t.values+i] = 0
		}
	}
	t.stripNames()
	return nil
}

func findTables(image []byte) (tables, bool) {
	at := bytes.Index(image, magic)
	if at < 0 || at+headerSize > len(image) || bytes.Contains(image[at+1:], magic) {
		return tables{}, false
	}
	limit := uint64(len(image) - at)
	field := func(i int) int { return int(min(binary.LittleEndian.Uint64(image[at+8*i:]), limit)) }
	t := tables{image: image, funcs: field(1), names: at + field(4), units: at + field(5), files: at + field(6), values: at + field(7), entries: at + field(8)}
	ok := at+headerSize == t.names && t.names < t.units && t.units < t.files && t.files < t.values && t.values < t.entries &&
		t.entries+8*t.funcs <= len(image)
	return t, ok
}

// stripFunc takes the i-th function's lines away, and marks in used what it needs of the values. It
// returns false if the function's description does not make sense.
func (t *tables) stripFunc(i int, used []bool) bool {
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(t.image[at:]) }
	put := func(at int, v uint32) { binary.LittleEndian.PutUint32(t.image[at:], v) }
	f := t.entries + int(u32(t.entries+8*i+4))
	if f+funcSize > len(t.image) || u32(f) != u32(t.entries+8*i) {
		return false
	}
	nTables, nData := int(u32(f+offTables)), int(t.image[f+offFuncdata])
	if nTables > 8 || nData > 16 || f+funcSize+4*(nTables+nData) > len(t.image) {
		return false
	}
	for _, off := range []int{offFile, offLine, offUnit, offStart} {
		put(f+off, 0)
	}
	ok := t.mark(u32(f+16), used) // sizes of frames
	for k := range nTables {
		if k == tableUnsafe || k == tableArgLive {
			put(f+funcSize+4*k, 0)
		}
		ok = ok && t.mark(u32(f+funcSize+4*k), used)
	}
	for k := dataArgs; k <= dataArgLive && k < nData; k++ {
		put(f+funcSize+4*(nTables+k), noData)
	}
	return ok
}

// mark marks the table of values at an offset: pairs of numbers, up to a value that does not differ
// from the one before. Offset 0 is no table.
func (t *tables) mark(offset uint32, used []bool) bool {
	if offset == 0 {
		return true
	}
	r := reader{t.image[:t.entries], t.values + int(offset)}
	for first := true; ; first = false {
		if r.unsigned() == 0 && !first {
			break
		}
		r.unsigned()
		if r.at < 0 {
			return false
		}
	}
	for i := int(offset); i < r.at-t.values; i++ {
		used[i] = true
	}
	return r.at >= 0
}

// stripNames leaves the names of the runtime's own functions, which it looks at to tell its
// goroutines from the program's.
func (t *tables) stripNames() {
	for at := t.names; at < t.units; {
		size := bytes.IndexByte(t.image[at:t.units], 0)
		if size < 0 {
			return
		}
		if !bytes.HasPrefix(t.image[at:], []byte("runtime.")) {
			clear(t.image[at : at+size])
		}
		at += size + 1
	}
}
