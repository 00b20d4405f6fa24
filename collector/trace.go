package collector

import (
	"time"

	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// Trace describes a step of a batch that has ended, for whoever traces the way of batches.
type Trace struct {
	Step       string // StepUpload or StepCommit
	Batch      report.BatchID
	Start, End time.Time
	// the decision of the receipt and its reason, if there is one: "stored",
	// "slow_down: overload"
	Result  string
	New     bool // the batch was stored, and was not known before
	Batches int  // of StepCommit: how many batches shared the transaction
}

// The steps of a batch in a collector.
const (
	// from the request to its answer; of what the collector seals itself, from the seal on
	StepUpload = "upload"
	StepCommit = "commit" // from the queue to the disk
)

// tracer is Options.Trace. A nil tracer does nothing.
type tracer func(Trace)

// now returns the time for the start of a step, if anybody asks.
func (t tracer) now() time.Time {
	if t == nil {
		return time.Time{}
	}
	return time.Now()
}

func (t tracer) upload(start time.Time, said receipt.Statement) {
	if t != nil && said.Batch != (report.BatchID{}) {
		t(Trace{Step: StepUpload, Batch: said.Batch, Start: start, End: time.Now(), Result: result(said), New: isNew(said)})
	}
}

// commit traces a round.
func (t tracer) commit(all []*upload, said []receipt.Statement) {
	if t == nil {
		return
	}
	end := time.Now()
	for i, u := range all {
		t(Trace{Step: StepCommit, Batch: said[i].Batch, Start: u.queued, End: end, Result: result(said[i]), New: isNew(said[i]), Batches: len(all)})
	}
}

func isNew(s receipt.Statement) bool { return s.Decision == receipt.Stored && s.Reason == "" }

func result(s receipt.Statement) string {
	if s.Reason == "" {
		return s.Decision.String()
	}
	return s.Decision.String() + ": " + s.Reason
}
