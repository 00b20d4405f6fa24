// Package bhttp is the binary representation of HTTP messages (RFC 9292), which Oblivious HTTP
// encapsulates. Most readers need AppendRequest and DecodeResponse, or the other two.
//
// Both forms, of known and of indeterminate length, are decoded; known length is what is encoded. A
// message has many encodings: integers may be longer than needed, empty parts may be missing at its
// end, zeros may follow it. So bytes that are to be compared or hashed must be inside some envelope
// that is authenticated as a whole.
//
// The package compiles to WebAssembly, so it leans on as little of the standard library as it can.
package bhttp

import "errors"

// Limits of a decoder, checked before it allocates. The content has none but the message's
// own length.
const (
	MaxControl      = 2048     // bytes of each of a request's method, scheme, authority and path
	MaxFieldSection = 32 << 10 // bytes of a field section
	MaxFields       = 64       // field lines of a field section
	MaxInterim      = 16       // informational responses before the final one
)

// Reasons for which messages are refused, for errors.Is. No error quotes what it refuses.
var (
	ErrMalformed = errors.New("malformed binary HTTP message")
	ErrTooLarge  = errors.New("binary HTTP message is too large") // beyond one of the limits
)

// Field is one field line. Names are in lower case.
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

// Get returns the value of the first field with a name, which must be in lower case, or "".
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

// fault is an error that wraps a sentinel and says what was wrong.
type fault struct {
	sentinel error
	detail   string
}

func (f *fault) Error() string { return f.sentinel.Error() + ": " + f.detail }
func (f *fault) Unwrap() error { return f.sentinel }

func malformed(detail string) error { return &fault{ErrMalformed, detail} }
func tooLarge(detail string) error  { return &fault{ErrTooLarge, detail} }
