package probe

import (
	"context"
	"crypto/x509"
	"net"
	"path/filepath"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Func makes one attempt at a target, within ctx's deadline. The error is not nil when the attempt
// says nothing about the target: ctx was cancelled, or this machine could not carry it out (no file
// descriptors or ports left, forbidden by its own firewall). A failure of the target is not an
// error; it is a Result. Safe for concurrent use unless it says otherwise.
type Func func(ctx context.Context) (Result, error)

// Result is what one attempt found.
type Result struct {
	Outcome report.Outcome // report.OK, or why not
	Started time.Time

	// Steps are those that were begun, in order; the attempt ended in the last. At most
	// report.MaxProbeSteps are reported.
	Steps    []Step
	Server   string // IP address and port that was tried; empty: none was found
	Protocol string // ALPN id of the answer, "http/1.1"; empty: none came, or the kind has none
	Status   uint16 // HTTP status; 0: none came, or the kind has none

	// CertificateEnds is when the server's certificate, or one that it depends on, is no longer
	// valid. Zero: none came, or the kind has none.
	CertificateEnds time.Time

	// Warning says what is not yet a failure and will be, in a few words: "the certificate ends in
	// 12 days". It names no address and holds no secret. Empty: nothing.
	Warning string
}

// Step is a part of an attempt: a name is looked up, a connection made, an answer awaited.
type Step struct {
	Name     string // "dns", "connect"; 1 to report.MaxString bytes, the same for each attempt
	Duration time.Duration
}

// Ended is the name of the step in which the attempt ended, or "" when none was begun.
func (r *Result) Ended() string {
	if len(r.Steps) == 0 {
		return ""
	}
	return r.Steps[len(r.Steps)-1].Name
}

// Step is how long the step of that name took, 0 when it was not reached or not needed.
func (r *Result) Step(name string) (total time.Duration) {
	for _, s := range r.Steps {
		if s.Name == name {
			total += s.Duration
		}
	}
	return total
}

// Total is the length of the whole attempt.
func (r *Result) Total() (total time.Duration) {
	for _, s := range r.Steps {
		total += s.Duration
	}
	return total
}

// Env is what all probes of one prober share.
type Env struct {
	// Dialer gives source address, resolver and socket options. Its time limits apply beside the
	// context's. nil: the system's.
	Dialer *net.Dialer

	// RootCAs are the authorities that a Spec trusts which names none. nil: the system's.
	RootCAs *x509.CertPool

	// Dir is the directory that names of files in a Spec are relative to. Empty: the working
	// directory.
	Dir string
}

// File is the path of a file that a Spec names.
func (e Env) File(name string) string {
	if e.Dir == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(e.Dir, name)
}

// Spec says how one target is probed. It does not change once it is in use.
type Spec interface {
	// Kind is the name of the kind: "http", "tcp"; 1 to report.MaxString bytes.
	Kind() string

	// Address is the host:port that the target listens on, to tell it apart in a topology. Empty:
	// there is none, or the Spec is faulty.
	Address() string

	// Probe makes the Func, which is safe for concurrent use. The error joins everything that is
	// wrong with the Spec, and repeats no URL, which may hold a secret. Nothing is sent yet.
	Probe(Env) (Func, error)
}

// Kind is a kind of probe, as configuration knows it.
type Kind struct {
	Name string // "http"

	// Key is the key of a target's configuration that says it is of this kind, and that no other
	// kind has: "url".
	Key string

	// New returns a pointer to empty options, a struct whose fields have yaml tags. A decoder fills
	// it from all keys of a target but those that every kind has.
	New func() Spec
}
