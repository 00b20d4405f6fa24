package httpx

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/internal/netaddr"
)

// What can be wrong with a body.
var (
	ErrTooLarge = NewError(http.StatusRequestEntityTooLarge, "body is too large")
	ErrTooSlow  = NewError(http.StatusRequestTimeout, "body did not arrive in time")
	ErrBroken   = NewError(http.StatusBadRequest, "body ended before its announced length")
)

// ReadBody reads a body of at most limit bytes into a buffer that grows with what has arrived, not
// with what was announced. The read deadline bounds it. Its errors are ErrTooLarge, ErrTooSlow
// and ErrBroken, after which the answer is prepared as by [LeaveBody].
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		LeaveBody(w, r)
		return nil, ErrTooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		LeaveBody(w, r)
		return nil, BodyError(err)
	}
	return body, nil
}

// BodyError is what a client is told of an error of reading through an [http.MaxBytesReader].
func BodyError(err error) *Error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return ErrTooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrTooSlow
	}
	return ErrBroken
}

const (
	drainTime = time.Second // for the rest of a body that is not read
	drainSize = 16 << 10    // a longer body is not worth waiting for: the connection is closed
)

// LeaveBody prepares an answer to a request whose body stays unread. net/http reads what is left of
// a short one to keep the connection.
func LeaveBody(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTime))
	if r.ContentLength < 0 || r.ContentLength > drainSize {
		w.Header().Set("Connection", "close")
	}
}

// HasType says whether the media type that h names is one of those, whatever its parameters.
func HasType(h http.Header, types ...string) bool {
	// most clients send the type alone
	return slices.Contains(types, h.Get("Content-Type")) || slices.Contains(types, MediaType(h))
}

// MediaType is the media type that h names, in lower case and without parameters; "" without one.
func MediaType(h http.Header) string {
	t, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// Peer is the address of the connection's other end, without its zone. The zero Addr when the
// server has none (a Unix socket).
func Peer(r *http.Request) netip.Addr { return netaddr.Parse(r.RemoteAddr) }
