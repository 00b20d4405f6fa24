package collector

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"
)

// buffers are reused: most uploads are of about the same size.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 8<<10); return &b }}

// maxPooled is the largest buffer that is kept, so that a few large uploads do not hold memory for ever.
const maxPooled = 64 << 10

func putBuffer(b *[]byte) {
	if cap(*b) <= maxPooled {
		buffers.Put(b)
	}
}

var (
	errTooLarge = &httpError{http.StatusRequestEntityTooLarge, "body is too large"}
	errTooSlow  = &httpError{http.StatusRequestTimeout, "body did not arrive in time"}
	errBroken   = &httpError{http.StatusBadRequest, "body ended before its announced length"}
)

// readBody reads at most limit bytes into a buffer that grows with what has arrived, not with what was announced. The read deadline is
// set already. Its errors are errTooLarge, errTooSlow and errBroken.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) (*[]byte, error) {
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	buffer := buffers.Get().(*[]byte)
	b, err := appendAll((*buffer)[:0], http.MaxBytesReader(w, r.Body, limit))
	*buffer = b
	if err == nil {
		return buffer, nil
	}
	putBuffer(buffer)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, errTooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, errTooSlow
	}
	return nil, errBroken
}

func appendAll(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

const (
	drainTime = time.Second // for the rest of a body that is not read
	drainSize = 16 << 10    // a longer body is not worth waiting for: the connection is closed
)

// leaveBody prepares an answer to a request whose body stays unread. net/http reads what is left of a short one to keep the connection.
func leaveBody(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTime))
	if r.ContentLength < 0 || r.ContentLength > drainSize {
		w.Header().Set("Connection", "close")
	}
}

// hasType says whether the request's media type is one of those, whatever its parameters.
func hasType(r *http.Request, types ...string) bool {
	have := r.Header.Get("Content-Type")
	for _, t := range types {
		if have == t {
			return true
		}
	}
	parsed, _, err := mime.ParseMediaType(have)
	if err != nil {
		return false
	}
	for _, t := range types {
		if parsed == t {
			return true
		}
	}
	return false
}

// peerAddr is the address of the connection's other end, without its zone. The zero Addr when the server has none (a Unix socket).
func peerAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
