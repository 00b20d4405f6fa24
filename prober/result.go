package prober

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Probe makes one attempt at a target, within ctx's deadline. The error is not nil when the attempt
// says nothing about the target: ctx was cancelled, or this machine could not carry it out (no file
// descriptors or ports left, forbidden by its own firewall). A failure of the target is not an
// error; it is a Result. Safe for concurrent use unless it says otherwise.
type Probe func(ctx context.Context) (Result, error)

// Phase is the part of an attempt in which it ended.
type Phase string

// The phases, in order. Their lengths are in Timings.
const (
	PhaseDNS       Phase = "dns"        // the name's address is looked up
	PhaseConnect   Phase = "connect"    // the TCP handshake
	PhaseTLS       Phase = "tls"        // the TLS handshake
	PhaseFirstByte Phase = "first_byte" // the request is sent and the answer's headers are awaited
	PhaseBody      Phase = "body"       // the answer's body is read, up to MaxBody
)

// MaxBody is how many bytes of a body a probe reads. A longer body is a success without the rest.
const MaxBody = 1 << 20

// Result is what one attempt found.
type Result struct {
	Outcome  report.Outcome // report.OK, or why not
	Phase    Phase          // in which the attempt ended; the last one of its kind for a success
	Status   uint16         // HTTP status; 0: none came
	Protocol string         // ALPN id of the answer, "http/1.1"; empty: none came, or kind tcp
	Server   string         // IP address and port that was tried; empty: none was found
	Started  time.Time
	Timings  Timings
}

// Timings are the lengths of an attempt's phases; 0 for one that was not needed or not reached.
type Timings struct{ DNS, Connect, TLS, FirstByte, Body time.Duration }

// Total is the length of the whole attempt.
func (t Timings) Total() time.Duration { return t.DNS + t.Connect + t.TLS + t.FirstByte + t.Body }
