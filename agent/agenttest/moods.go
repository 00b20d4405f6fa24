package agenttest

import (
	"time"

	"github.com/heliograph-net/heliograph/privacy/receipt"
)

// Answers are how collectors treat uploads: an [Operator]'s all of them, a Collector's its own.
type Answers struct {
	o  *Operator
	id string // of the collector; "": all
}

// answer is how a collector treats uploads; the zero value takes them.
type answer struct {
	silent    bool              // no connection comes about
	keep      bool              // what is not answered with Stored is kept all the same
	body      []byte            // instead of a receipt
	statement receipt.Statement // Verdict 0: Stored
}

// Accept takes uploads again, as it was at first.
func (a Answers) Accept() { a.set(answer{}) }

// Unreachable is an outage: connections are refused, policies are not to be had.
func (a Answers) Unreachable() { a.set(answer{silent: true}) }

// LoseReceipts takes uploads, but the answers do not get through: agents deliver the same again.
func (a Answers) LoseReceipts() { a.set(answer{silent: true, keep: true}) }

// CaptivePortal answers everything with status 200 and a page, as a hotel's network does.
func (a Answers) CaptivePortal() {
	a.set(answer{body: []byte("<html>Welcome! Please sign in.</html>")})
}

// Refuse refuses uploads for good, in a signed answer: agents drop them and tell so. reason is one
// of package receipt's Reason constants.
func (a Answers) Refuse(reason string) {
	a.set(answer{statement: receipt.Statement{Decision: receipt.Refused, Reason: reason}})
}

// SlowDown asks agents, in a signed answer, to come again after a time.
func (a Answers) SlowDown(wait time.Duration) {
	a.set(answer{statement: receipt.Statement{
		Decision: receipt.SlowDown, Reason: receipt.ReasonOverload, DelayMS: uint64(max(wait.Milliseconds(), 0)),
	}})
}

func (a Answers) set(how answer) {
	a.o.mu.Lock()
	defer a.o.mu.Unlock()
	for id, c := range a.o.collectors {
		if a.id == "" || a.id == id {
			c.answer = how
		}
	}
}
