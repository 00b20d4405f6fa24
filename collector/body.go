package collector

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
)

// memory bounds the bytes of all bodies together.
type memory struct {
	max  int64
	used atomic.Int64
}

func (m *memory) take(n int) bool {
	if m.used.Add(int64(n)) > m.max {
		m.used.Add(-int64(n))
		return false
	}
	return true
}

// body is the body of an upload in a buffer that is reused. Its capacity counts as used memory
// until free is called.
type body struct {
	bytes  []byte
	memory *memory
}

const (
	smallBody = 8 << 10 // most bodies fit into it
	// larger buffers are not reused, so that a few large uploads do not occupy memory for ever
	maxPooled = 64 << 10
)

var bodies = sync.Pool{New: func() any { return &body{bytes: make([]byte, 0, smallBody)} }}

// newBody returns an empty body, or nil if too much memory is in use.
func newBody(m *memory) *body {
	b := bodies.Get().(*body)
	if !m.take(cap(b.bytes)) {
		bodies.Put(b)
		return nil
	}
	b.bytes, b.memory = b.bytes[:0], m
	return b
}

// free releases the body's memory. Its bytes must not be used afterwards.
func (b *body) free() {
	b.memory.used.Add(-int64(cap(b.bytes)))
	b.memory = nil
	if cap(b.bytes) >= smallBody && cap(b.bytes) <= maxPooled {
		bodies.Put(b)
	}
}

// grow doubles the buffer. It returns false if too much memory is in use.
func (b *body) grow() bool {
	if !b.memory.take(cap(b.bytes)) {
		return false
	}
	larger := make([]byte, len(b.bytes), 2*cap(b.bytes))
	copy(larger, b.bytes)
	b.bytes = larger
	return true
}

// hurryPart divides the time for reading a body while places are scarce.
const hurryPart = 5

// hurry gives clients less time to send their bodies while more than half of all places are taken.
// Otherwise a few thousand clients that send a byte now and then could keep all others out.
func (a *admission) hurry(w http.ResponseWriter, now time.Time) {
	if a.uploads.Scarce() {
		_ = http.NewResponseController(w).SetReadDeadline(now.Add(a.timeout / hurryPart))
	}
}

// read reads the body of an upload that has a place, at most limit bytes, and counts it for the
// upload's network. The error is a *shed if too many bodies are being read, and otherwise
// errCoding, errCoded or one of httpx.BodyError.
func (p place) read(w http.ResponseWriter, r *http.Request, limit int64) (*body, error) {
	a := p.admission
	a.hurry(w, time.Now())
	b, err := a.memory.read(w, r, limit)
	if err == errMemory {
		err = a.shedder.overload(shedMemory, 1)
		httpx.LeaveBody(w, r)
	} else if err == httpx.ErrTooLarge || err == errCoding || err == errCoded {
		httpx.LeaveBody(w, r)
	}
	if err != nil {
		return nil, err
	}
	a.networks.Charge(p.network, len(b.bytes))
	return b, nil
}

var errMemory = errors.New("too many bodies are being read")

// read reads at most limit bytes into a buffer that grows with the bytes that have arrived, not
// with the announced length. It decompresses a compressed body; limit then applies to both forms.
// The read deadline is already set. The error is errMemory, errCoding, errCoded or one of
// httpx.BodyError.
func (m *memory) read(w http.ResponseWriter, r *http.Request, limit int64) (*body, error) {
	if r.ContentLength > limit {
		return nil, httpx.ErrTooLarge
	}
	coding, err := contentCoding(w, r)
	if err != nil {
		return nil, err
	}
	b := newBody(m)
	if b == nil {
		return nil, errMemory
	}
	whole := false
	defer func() { // also after a panic, because all uploads share the memory
		if !whole {
			b.free()
		}
	}()
	arriving := r.Body
	if r.ContentLength < 0 || coding != "" { // otherwise net/http reads no more than announced
		arriving = http.MaxBytesReader(w, arriving, limit)
	}
	if coding == "" {
		err = b.readFrom(arriving)
	} else {
		err = b.inflate(coding, arriving, limit)
	}
	if err != nil {
		return nil, err
	}
	whole = true
	return b, nil
}

func (b *body) readFrom(r io.Reader) error {
	for {
		if len(b.bytes) == cap(b.bytes) && !b.grow() {
			return errMemory
		}
		n, err := r.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		switch {
		case err == nil:
		case err == io.EOF:
			return nil
		default:
			return httpx.BodyError(err)
		}
	}
}

// hold counts existing bytes as used memory and takes ownership of them. It returns nil if too much
// memory is in use.
func (m *memory) hold(bytes []byte) *body {
	if !m.take(cap(bytes)) {
		return nil
	}
	return &body{bytes: bytes, memory: m}
}
