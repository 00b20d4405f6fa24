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

// body is the body of an upload in a buffer that is used again. Its capacity counts as used memory
// until free.
type body struct {
	bytes  []byte
	memory *memory
}

const (
	smallBody = 8 << 10 // most bodies find room in it
	// a larger buffer is not kept, so that a few large uploads do not hold memory for ever
	maxPooled = 64 << 10
)

var bodies = sync.Pool{New: func() any { return &body{bytes: make([]byte, 0, smallBody)} }}

// newBody returns nil when too much memory is in use.
func newBody(m *memory) *body {
	b := bodies.Get().(*body)
	if !m.take(cap(b.bytes)) {
		bodies.Put(b)
		return nil
	}
	b.bytes, b.memory = b.bytes[:0], m
	return b
}

// free gives the body's memory back. Nobody may use its bytes afterwards.
func (b *body) free() {
	b.memory.used.Add(-int64(cap(b.bytes)))
	b.memory = nil
	if cap(b.bytes) >= smallBody && cap(b.bytes) <= maxPooled {
		bodies.Put(b)
	}
}

// grow doubles the buffer, and reports false when too much memory is in use.
func (b *body) grow() bool {
	if !b.memory.take(cap(b.bytes)) {
		return false
	}
	larger := make([]byte, len(b.bytes), 2*cap(b.bytes))
	copy(larger, b.bytes)
	b.bytes = larger
	return true
}

// hurryPart is what is left of their time to bodies while places are scarce.
const hurryPart = 5

// hurry leaves clients less time to send their bodies while more than half of all places are taken,
// so that a few thousand that send a byte now and then do not keep everyone else out.
func (a *admission) hurry(w http.ResponseWriter, now time.Time) {
	if a.uploads.Scarce() {
		_ = http.NewResponseController(w).SetReadDeadline(now.Add(a.timeout / hurryPart))
	}
}

// read reads the body of an upload that has a place, at most limit bytes, and charges it to its
// network. Its errors are a *shed, when too many bodies are being read, and those of
// httpx.BodyError.
func (p place) read(w http.ResponseWriter, r *http.Request, limit int64) (*body, error) {
	a := p.admission
	a.hurry(w, time.Now())
	b, err := a.memory.read(w, r, limit)
	if err == errMemory {
		err = a.shedder.overload(shedMemory, 1)
		httpx.LeaveBody(w, r)
	} else if err == httpx.ErrTooLarge {
		httpx.LeaveBody(w, r)
	}
	if err != nil {
		return nil, err
	}
	a.networks.Charge(p.network, len(b.bytes))
	return b, nil
}

var errMemory = errors.New("too many bodies are being read")

// read reads at most limit bytes into a buffer that grows with what has arrived, not with what was
// announced. The read deadline is set already. Its errors are those of httpx.BodyError, and
// errMemory.
func (m *memory) read(w http.ResponseWriter, r *http.Request, limit int64) (*body, error) {
	if r.ContentLength > limit {
		return nil, httpx.ErrTooLarge
	}
	b := newBody(m)
	if b == nil {
		return nil, errMemory
	}
	whole := false
	defer func() { // after a panic, too: the memory is all uploads'
		if !whole {
			b.free()
		}
	}()
	if err := b.readFrom(http.MaxBytesReader(w, r.Body, limit)); err != nil {
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

// hold makes bytes that exist already count as used memory. It takes them over, and returns nil
// when too much is in use.
func (m *memory) hold(bytes []byte) *body {
	if !m.take(cap(bytes)) {
		return nil
	}
	return &body{bytes: bytes, memory: m}
}
