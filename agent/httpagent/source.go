package httpagent

import (
	"bytes"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
)

// source is the request body that the next RoundTripper gets. It notices if reading the body fails.
// That is the fault of the application or of the body's origin: the error may come from a
// connection, but not from the one to the server.
type source struct {
	io.ReadCloser
	closed atomic.Bool // later failures are a result of closing
	failed atomic.Bool
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err != nil && err != io.EOF && !s.closed.Load() {
		s.failed.Store(true)
	}
	return n, err
}

// Close implements io.Closer.
func (s *source) Close() error {
	s.closed.Store(true)
	return s.ReadCloser.Close()
}

// again returns a GetBody for a request with s. s watches the bodies that it returns, too.
func (s *source) again(getBody func() (io.ReadCloser, error)) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		body, err := getBody()
		if err != nil {
			s.failed.Store(true)
			return nil, err
		}
		return &another{source: source{ReadCloser: body}, first: s}, nil
	}
}

// another is the body of a repeated request.
type another struct {
	source
	first *source
}

// Read implements io.Reader.
func (a *another) Read(p []byte) (int, error) {
	n, err := a.source.Read(p)
	if a.failed.Load() {
		a.first.failed.Store(true)
	}
	return n, err
}

// watch puts s between req and its body.
func (s *source) watch(req *http.Request) {
	s.ReadCloser, req.Body = req.Body, s
	if req.GetBody != nil {
		req.GetBody = s.again(req.GetBody)
	}
}

// broken reports whether the body could not be read. A nil source is never broken.
func (s *source) broken() bool { return s != nil && s.failed.Load() }

// upload is a request without hooks whose body is watched.
type upload struct {
	source
	request http.Request
}

// canFail reports whether reading a request's body can fail, because it is not only bytes
// in memory.
func canFail(body io.ReadCloser) bool {
	if body == nil || body == http.NoBody {
		return false
	}
	var reader io.Reader = body
	if t := reflect.TypeOf(body); t == nopCloser || t == nopCloserWriterTo {
		reader, _ = reflect.ValueOf(body).Field(0).Interface().(io.Reader)
	}
	switch reader.(type) {
	case *bytes.Reader, *bytes.Buffer, *strings.Reader:
		return false
	default:
		return true
	}
}

// The types in which http.NewRequest wraps readers. net/http recognizes them in the same way.
var (
	nopCloser         = reflect.TypeOf(io.NopCloser(struct{ io.Reader }{}))
	nopCloserWriterTo = reflect.TypeOf(io.NopCloser(new(bytes.Reader)))
)
