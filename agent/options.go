package agent

import (
	"errors"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/heliograph-net/heliograph/report"
)

// Options configure an Agent.
type Options struct {
	App     string // the application's name; required, at most report.MaxString bytes
	Version string // the application's version; may be empty
	OS      string // family only; empty: runtime.GOOS

	// Policy is the signed policy that comes with the application. Whoever signed it is trusted,
	// and with that whoever it names as signers of the next one. Required.
	Policy []byte

	// Consent is what the user allows now. The zero value is Off: nothing is recorded, stored or
	// sent, and what an earlier run left in the spool is deleted.
	//
	// If an earlier run had consent and sent something, one deletion notice is sent.
	Consent report.Consent

	// Uncapped lifts the policy's limit of bytes a day. It is for machines of the operator's own,
	// such as a prober.
	Uncapped bool

	Spool     Spool     // required; the agent closes it at Shutdown
	Transport Transport // required

	// OnEvent, if set, hears what the agent does. It is called on the agent's goroutines or on
	// Flush's and Shutdown's caller's, one call at a time, must be quick and must not call the
	// agent. Its panics are caught.
	OnEvent func(Event)

	// Rand is the source of batch ids, client tokens and jitter; nil: crypto/rand. For tests.
	Rand io.Reader
}

// validate joins every fault of o.
func (o *Options) validate() error {
	var faults []error
	if o.App == "" {
		faults = append(faults, errors.New("App: is required, give the application's name"))
	}
	for _, s := range []struct{ name, value string }{{"App", o.App}, {"Version", o.Version}, {"OS", o.OS}} {
		if len(s.value) > report.MaxString || !utf8.ValidString(s.value) {
			faults = append(faults, errors.New(s.name+": must be at most "+strconv.Itoa(report.MaxString)+" bytes of UTF-8"))
		}
	}
	if len(o.Policy) == 0 {
		faults = append(faults, errors.New("Policy: is required, give the bytes of a signed policy (heliograph init makes one)"))
	}
	if o.Consent > report.Diagnostics {
		faults = append(faults, errors.New("Consent: no such level"))
	}
	if o.Spool == nil {
		faults = append(faults, errors.New("Spool: is required, see agent/diskspool"))
	}
	if o.Transport == nil {
		faults = append(faults, errors.New("Transport: is required, see agent/httpagent.NewTransport"))
	}
	return errors.Join(faults...)
}
