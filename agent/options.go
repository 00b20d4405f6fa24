package agent

import (
	"errors"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/heliograph-net/heliograph/report"
)

// Options are the options of an [Agent]. App, Policy, Spool and Transport are required.
type Options struct {
	App     string // the application's name; required, at most report.MaxString bytes
	Version string // the application's version; may be empty
	OS      string // family of the operating system; empty: runtime.GOOS

	// Policy is the signed policy that is bundled with the application. Its signature is trusted,
	// and so are the signers that it names for later policies. Required.
	Policy []byte

	// Consent is what the user allows now. The zero value is Off: nothing is recorded, stored or
	// sent, and records of an earlier run in the spool are deleted.
	//
	// If an earlier run had consent and sent something, one deletion notice is sent.
	Consent report.Consent

	// Uncapped lifts the policy's limit of bytes a day. It is for the operator's own machines, such
	// as a prober.
	Uncapped bool

	Spool     Spool     // required; the agent closes it at Shutdown
	Transport Transport // required

	// OnEvent gets events, if it is set. It is called from the agent's goroutines and from the
	// callers of Flush and Shutdown, one call at a time. It must be quick and must not call the
	// agent. Its panics are recovered.
	OnEvent func(Event)

	// Rand is the source of batch ids, client tokens and jitter; nil: crypto/rand. For tests.
	Rand io.Reader
}

// validate returns all faults of o, joined.
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
