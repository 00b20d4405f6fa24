package agenttest

import (
	"time"

	"github.com/heliograph-net/heliograph/privacy/receipt"
)

// Answers sets how collectors answer uploads: all collectors of an [Operator], or one [Collector].
type Answers struct {
	o  *Operator
	id string // of the collector; "": all
}

// answer is how a collector answers uploads. The zero value accepts them.
type answer struct {
	silent    bool              // connections are refused
	keep      bool              // the upload is stored whatever the answer is
	body      []byte            // instead of a receipt
	statement receipt.Statement // Verdict 0: Stored
}

// Accept makes collectors accept uploads, as they do at first.
func (a Answers) Accept() { a.set(answer{}) }

// Unreachable makes collectors refuse connections, also for policies.
func (a Answers) Unreachable() { a.set(answer{silent: true}) }

// LoseReceipts makes collectors accept uploads while their answers are lost, so that agents deliver
// the same segments again.
func (a Answers) LoseReceipts() { a.set(answer{silent: true, keep: true}) }

// CaptivePortal makes collectors answer everything with status 200 and a page, as a hotel's
// network does.
func (a Answers) CaptivePortal() {
	a.set(answer{body: []byte("<html>Welcome! Please sign in.</html>")})
}

// Refuse makes collectors refuse uploads for good with a signed answer. Agents then drop the
// segments and report that. reason is one of the Reason constants in package receipt.
func (a Answers) Refuse(reason string) {
	a.set(answer{statement: receipt.Statement{Decision: receipt.Refused, Reason: reason}})
}

// SlowDown makes collectors ask agents with a signed answer to come again after wait.
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
