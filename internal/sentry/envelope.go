// Package sentry reads what SDKs of Sentry send. [Parse] splits an envelope into its items, and
// [ParseEvent] decodes the parts of an event that describe an error. The formats are those of
// https://develop.sentry.dev/sdk/foundations/transport/envelopes/ and
// https://develop.sentry.dev/sdk/foundations/transport/event-payloads/.
//
// Errors never quote the input.
package sentry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Limits of an envelope. The caller limits its size.
const (
	MaxItems  = 64       // items; further ones are counted in Envelope.Surplus
	MaxHeader = 16 << 10 // bytes of a header, of the envelope or of an item
	MaxDepth  = 64       // objects and arrays within each other, in a header or an event
)

// Envelope is what an SDK sends in one request.
type Envelope struct {
	EventID string    // of the event in it; may be empty
	DSN     string    // where the SDK was told to send it; may be empty
	SentAt  time.Time // by the SDK's clock; zero: unknown
	Items   []Item
	Surplus int // number of items beyond MaxItems
}

// Item is one item of an envelope. Payload shares memory with the envelope's bytes.
type Item struct {
	Type    string
	Payload []byte
}

// Parse splits an envelope.
func Parse(body []byte) (*Envelope, error) {
	line, rest := cutLine(body)
	var header struct {
		EventID string `json:"event_id"`
		DSN     string `json:"dsn"`
		SentAt  string `json:"sent_at"`
	}
	if err := parseHeader(line, &header); err != nil {
		return nil, fmt.Errorf("header of the envelope: %w", err)
	}
	e := &Envelope{EventID: header.EventID, DSN: header.DSN}
	e.SentAt, _ = time.Parse(time.RFC3339Nano, header.SentAt) // else zero
	for n := 1; ; n++ {
		rest = bytes.TrimLeft(rest, "\r\n")
		if len(rest) == 0 {
			return e, nil
		}
		item, after, err := cutItem(rest)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", n, err)
		}
		rest = after
		if len(e.Items) == MaxItems {
			e.Surplus++
			continue
		}
		e.Items = append(e.Items, item)
	}
}

// cutItem returns the item that b begins with, and what follows it. A payload without a length ends
// with its line.
func cutItem(b []byte) (item Item, rest []byte, err error) {
	line, rest := cutLine(b)
	var header struct {
		Type   string `json:"type"`
		Length *int   `json:"length"`
	}
	if err := parseHeader(line, &header); err != nil {
		return item, nil, fmt.Errorf("header: %w", err)
	}
	if header.Type == "" {
		return item, nil, errors.New("its header has no type")
	}
	item.Type = header.Type
	if header.Length == nil {
		item.Payload, rest = cutLine(rest)
		return item, rest, nil
	}
	n := *header.Length
	if n < 0 || n > len(rest) {
		return item, nil, errors.New("the envelope ends before the item's length")
	}
	item.Payload, rest = rest[:n], rest[n:]
	if len(rest) > 0 && rest[0] != '\n' && rest[0] != '\r' {
		return item, nil, errors.New("the item is longer than its length")
	}
	return item, rest, nil
}

func parseHeader(line []byte, into any) error {
	switch {
	case len(line) > MaxHeader:
		return fmt.Errorf("is longer than %d bytes", MaxHeader)
	case tooDeep(line):
		return errDeep
	case json.Unmarshal(line, into) != nil:
		return errors.New("is not a JSON object of the expected form")
	}
	return nil
}

func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte("\n"))
	return line, rest
}

var errDeep = fmt.Errorf("nests deeper than %d", MaxDepth)

// tooDeep reports whether JSON nests deeper than MaxDepth. Of malformed JSON it says anything.
func tooDeep(b []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
