package detector

import (
	"context"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Trace describes a step that has ended, for whoever traces the way of batches.
type Trace struct {
	Step       string // StepFeed, StepIngest or StepJudge
	Start, End time.Time

	// Of StepFeed and StepIngest.

	Batch     report.BatchID
	Collector string // that the batch comes from
	// "new", "duplicate", or the Reason for which it is in quarantine
	Result  string
	Records int // number of records of known kinds
	// W3C trace ids of the requests and errors that the batch tells of; at most maxTraced
	Told [][16]byte

	// Of StepJudge.

	Bin    time.Time     // end of the last bin that was judged
	Events []model.Event // what happened to incidents
}

// The steps of a detector.
const (
	StepFeed   = "feed"   // from the collector's inbox, by its clock, to the detector
	StepIngest = "ingest" // a batch is opened and stored
	StepJudge  = "judge"  // the bins that are due are judged
)

// maxTraced limits the trace ids in a Trace.
const maxTraced = 32

// traced traces the batches of a page that is stored.
func (in *intake) traced(ctx context.Context, s *storing) {
	trace := in.d.o.Trace
	if trace == nil {
		return
	}
	read, withdrawn := s.read, in.withdrawn(ctx, s.batches)
	both := func(t Trace, received time.Time) {
		t.Step, t.Start, t.End = StepIngest, read, s.ended
		feed := t
		feed.Step, feed.Start, feed.End = StepFeed, received, later(read, received)
		trace(feed)
		trace(t)
	}
	for i := range s.page.Quarantined {
		q := &s.page.Quarantined[i]
		both(Trace{Batch: q.ID, Collector: q.Collector, Result: q.Reason}, q.Received)
	}
	for i, o := range s.batches {
		t := Trace{Batch: o.ID, Collector: o.sealed.Collector, Result: "duplicate", Records: o.Records}
		if s.isNew[i] {
			t.Result, t.Told = "new", told(o.Samples, withdrawn)
		}
		both(t, o.Received)
	}
}

// withdrawn returns the clients who told of requests with trace ids, and whose users have withdrawn
// consent since.
func (in *intake) withdrawn(ctx context.Context, batches []*opened) map[uint64]bool {
	var clients []uint64
	for _, o := range batches {
		for i := range o.Samples {
			if o.Samples[i].TraceID != ([16]byte{}) {
				clients = append(clients, o.Samples[i].Client)
			}
		}
	}
	slices.Sort(clients)
	clients = slices.Compact(clients)
	if len(clients) == 0 {
		return nil
	}
	if deleted, err := in.d.o.State.Deleted(ctx, clients); err == nil {
		clients = deleted
	} // else nobody is traced
	set := make(map[uint64]bool, len(clients))
	for _, c := range clients {
		set[c] = true
	}
	return set
}

// told returns the distinct trace ids of samples.
func told(samples []model.Sample, withdrawn map[uint64]bool) (ids [][16]byte) {
	known := map[[16]byte]bool{{}: true} // zero: there is none
	for i := range samples {
		if s := &samples[i]; !known[s.TraceID] && !withdrawn[s.Client] && len(ids) < maxTraced {
			known[s.TraceID] = true
			ids = append(ids, s.TraceID)
		}
	}
	return ids
}
