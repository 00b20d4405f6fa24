// Package bhttp implements the binary representation of HTTP messages (RFC 9292), which Oblivious
// HTTP encapsulates. Clients need [AppendRequest] and [DecodeResponse]; servers need
// [DecodeRequest] and [AppendResponse].
//
// The package decodes messages of known and of indeterminate length. It encodes only known length.
// A message has many encodings: integers may be longer than necessary, empty parts at the end may
// be missing, and zeros may follow. Bytes that are compared or hashed must therefore be inside an
// envelope that is authenticated as a whole.
//
// The package compiles to WebAssembly, so it imports as little of the standard library as possible.
package bhttp

import "errors"

// Limits of a decoder, which it checks before it allocates. Only the length of the message limits
// its content.
const (
	MaxControl      = 2048     // bytes of each of a request's method, scheme, authority and path
	MaxFieldSection = 32 << 10 // bytes of a field section
	MaxFields       = 64       // field lines of a field section
	MaxInterim      = 16       // informational responses before the final one
)

// Errors of encoders and decoders, to be tested with [errors.Is]. No error contains a part of the
// refused message.
var (
	ErrMalformed = errors.New("malformed binary HTTP message")
	ErrTooLarge  = errors.New("binary HTTP message is too large") // beyond one of the limits
)

// Field is one field line. Its name is in lower case.
type Field struct{ Name, Value string }

// Request is a request message.
type Request struct {
	Method    string // "POST"
	Scheme    string // "https"
	Authority string // host and port; may be empty
	Path      string // with the query; not empty
	Header    []Field
	Content   []byte
	Trailer   []Field
}

// Response is a final response message.
type Response struct {
	Status  int // 200 to 599
	Header  []Field
	Content []byte
	Trailer []Field
}

// Get returns the value of the first field with the given name, or "". The name must be in
// lower case.
func Get(fields []Field, name string) string {
	for i := range fields {
		if fields[i].Name == name {
			return fields[i].Value
		}
	}
	return ""
}

// Framing indicators (section 3.3).
const (
	requestKnown          = 0
	responseKnown         = 1
	requestIndeterminate  = 2
	responseIndeterminate = 3
)

// fault is an error that wraps a sentinel and describes what was wrong.
type fault struct {
	sentinel error
	detail   string
}

func (f *fault) Error() string { return f.sentinel.Error() + ": " + f.detail }
func (f *fault) Unwrap() error { return f.sentinel }

func malformed(detail string) error { return &fault{ErrMalformed, detail} }
func tooLarge(detail string) error  { return &fault{ErrTooLarge, detail} }
