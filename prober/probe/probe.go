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

	// Steps are the steps that were begun, in order. The attempt ended in the last one. At most
	// report.MaxProbeSteps are reported.
	Steps    []Step
	Server   string // IP address and port that was tried; empty: none was found
	Protocol string // ALPN id of the answer, "http/1.1"; empty: none came, or the kind has none
	Status   uint16 // HTTP status; 0: none came, or the kind has none

	// CertificateEnds is when the server's certificate, or one that it depends on, expires. Zero:
	// none came, or the kind has none.
	CertificateEnds time.Time

	// Date is the time by the server's clock, to the second. Zero: none came, or the kind has none.
	Date time.Time

	// Warning describes in a few words a problem that is not yet a failure but will become one:
	// "the certificate ends in 12 days". It contains no address and no secret. Empty: none.
	Warning string

	Details []Detail // in no order; nil unless they were asked for
	Facts   Facts    // what an answer contained; zero unless it was asked for
}

// Step is a part of an attempt, such as looking up a name, connecting, or waiting for the answer.
type Step struct {
	Name     string // "dns", "connect"; 1 to report.MaxString bytes, the same for each attempt
	Duration time.Duration
}

// StepDNS is the step in which this machine looks up the target's name. All kinds have it that
// connect to a name.
const StepDNS = "dns"

// OwnResolver reports whether the attempt failed because none of this machine's name servers could
// be reached, which says nothing about the target.
func (r *Result) OwnResolver() bool {
	return r.Outcome == report.DNSUnreachable && r.Ended() == StepDNS
}

// Ended returns the name of the step in which the attempt ended, or "" if none was begun.
func (r *Result) Ended() string {
	if len(r.Steps) == 0 {
		return ""
	}
	return r.Steps[len(r.Steps)-1].Name
}

// Step returns how long the step of that name took, or 0 if it was not reached or not needed.
func (r *Result) Step(name string) (total time.Duration) {
	for _, s := range r.Steps {
		if s.Name == name {
			total += s.Duration
		}
	}
	return total
}

// Total returns how long the whole attempt took.
func (r *Result) Total() (total time.Duration) {
	for _, s := range r.Steps {
		total += s.Duration
	}
	return total
}

// Env has what all probes of one prober share. The zero value is valid.
type Env struct {
	// Dialer has the source address, the resolver and the socket options. Its timeouts apply in
	// addition to the context's. nil: the system's.
	Dialer *net.Dialer

	// RootCAs are the authorities that are trusted by a Spec without any of its own. nil:
	// the system's.
	RootCAs *x509.CertPool

	// Dir is the directory to which the file names in a Spec are relative. Empty: the
	// working directory.
	Dir string
}

// File returns the path of a file that a Spec names.
func (e Env) File(name string) string {
	if e.Dir == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(e.Dir, name)
}

// Spec says how one target is probed. It must not change once it is in use.
type Spec interface {
	// Kind returns the name of the kind, such as "http" or "tcp", of 1 to report.MaxString bytes.
	Kind() string

	// Address returns the host:port on which the target listens, to identify it in a topology. It
	// is empty if there is none or if the Spec is faulty.
	Address() string

	// Probe returns the Func, which is safe for concurrent use. The error names all faults of the
	// Spec. It contains no URL, because a URL may contain a secret. Probe sends nothing.
	Probe(Env) (Func, error)
}

// Checker is a [Spec] that can say which of its keys is at fault before it is used.
type Checker interface {
	// Check returns the first key whose value is invalid, such as "assert[1]", and why.
	Check() (key string, err error)
}

// Kind is a kind of probe in a configuration file.
type Kind struct {
	Name string // "http"

	// Key is the key in a target's configuration that selects this kind, such as "url". No other
	// kind has it.
	Key string

	// New returns a pointer to empty options, a struct whose fields have yaml tags. A decoder fills
	// it from the keys of a target that are not common to all kinds.
	New func() Spec
}
