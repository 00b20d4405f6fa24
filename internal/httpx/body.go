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

// Errors of [ReadBody].
var (
	ErrTooLarge = NewError(http.StatusRequestEntityTooLarge, "body is too large")
	ErrTooSlow  = NewError(http.StatusRequestTimeout, "body did not arrive in time")
	ErrBroken   = NewError(http.StatusBadRequest, "body ended before its announced length")
)

// ReadBody reads a body of at most limit bytes. Its buffer grows with what has arrived, whatever
// length was announced. The read deadline applies. Its errors are ErrTooLarge, ErrTooSlow and
// ErrBroken. With an error, it has called [LeaveBody].
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

// BodyError returns the error to answer a client with when reading through an
// [http.MaxBytesReader] fails.
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

// LeaveBody prepares the answer to a request whose body is not read to its end. net/http reads the
// rest of a short body to keep the connection.
func LeaveBody(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTime))
	if r.ContentLength < 0 || r.ContentLength > drainSize {
		w.Header().Set("Connection", "close")
	}
}

// HasType reports whether the media type in h is one of types, ignoring its parameters.
func HasType(h http.Header, types ...string) bool {
	// most clients send the type alone
	return slices.Contains(types, h.Get("Content-Type")) || slices.Contains(types, MediaType(h))
}

// MediaType returns the media type in h, in lower case and without parameters, or "" if
// there is none.
func MediaType(h http.Header) string {
	t, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// Peer returns the address of the other end of the connection, without its zone. It returns the
// zero Addr if there is none, as with a Unix socket.
func Peer(r *http.Request) netip.Addr { return netaddr.Parse(r.RemoteAddr) }
