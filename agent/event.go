package agent

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/heliograph-net/heliograph/report"
)

// EventKind says what an [Event] reports.
type EventKind uint8

// The kinds of events, with the fields that each sets.
const (
	EventDelivered EventKind = 1 // a collector has the batch: Batch, Collector
	// one attempt failed: Batch, Collector, Outcome, Err; Reason if it was refused or declined
	EventNotDelivered EventKind = 2
	EventDropped      EventKind = 3 // records were lost: Reason, Count; Err if the spool failed
	EventPolicy       EventKind = 4 // a newer policy is in force: Count is its version
	// a collector's policy was refused or could not be fetched: Collector, Outcome, Err
	EventPolicyRefused EventKind = 5
	EventPanic         EventKind = 6 // the agent caught a panic of its own: Err
	// the spool could not store a segment, which is in memory for now: Batch, Err
	EventNotStored EventKind = 7
)

// Event is something that happened in an agent. Options.OnEvent gets events, for tests,
// demonstrations and logs.
type Event struct {
	Kind      EventKind
	Batch     report.BatchID
	Collector string
	Outcome   report.Outcome
	// a report.Drop… constant for a drop, otherwise the receipt.Reason… of the receipt
	Reason string
	Count  uint64
	Err    error
}

// events passes events to OnEvent and keeps the agent's own panics from the host.
type events struct {
	hear   func(Event) // nil: events are discarded
	mu     sync.Mutex  // one call of hear at a time
	panics atomic.Uint64
}

// emit calls OnEvent and recovers its panics.
func (e *events) emit(event Event) {
	if e.hear == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func() { _ = recover() }()
	e.hear(event)
}

// caught is deferred at every entry to the agent, in methods and goroutines, so that no panic
// leaves it.
func (e *events) caught() {
	if r := recover(); r != nil {
		e.panics.Add(1)
		e.emit(Event{Kind: EventPanic, Err: &panicError{r}})
	}
}

// panicError is a panic in the agent itself.
type panicError struct{ value any }

func (e *panicError) Error() string {
	switch v := e.value.(type) {
	case error:
		return "panic in the agent: " + v.Error()
	case string:
		return "panic in the agent: " + v
	default:
		return "panic in the agent"
	}
}

// Stats are an agent's totals since [New].
type Stats struct {
	Consent       report.Consent // in force: the user's, lowered by the policy
	PolicyVersion uint64         // in force
	Observed      uint64         // requests counted
	Errors        uint64         // application errors captured
	// windows that ended with at least one request or application error
	Windows uint64
	// windows without a failure that were not sent because of the policy's fraction
	SampledOut     uint64
	Sealed         uint64            // records durably in the spool
	Delivered      uint64            // segments for which there is a receipt
	DeliveredBytes uint64            // bytes of these
	Attempts       uint64            // uploads tried
	Dropped        map[string]uint64 // records lost, by report.Drop reason
	// segments in the spool, including those of other agents, and in memory because the spool could
	// not store them
	Pending      int
	PendingBytes int64  // bytes of these
	Panics       uint64 // recovered panics of the agent itself
}

// RemainError says what an agent could not deliver: the segments that it leaves in the spool for
// its next run, and those that the spool could not store.
type RemainError struct {
	Segments int   // in the spool
	Bytes    int64 // of these

	// Unstored counts the segments that the spool could not store. Those still in memory are tried
	// again as long as the process runs, and are lost after Shutdown.
	Unstored int

	// Cause joins the known reasons: the context's error, the latest error of the spool and the
	// latest failure of a delivery. It is nil if nothing was tried.
	Cause error
}

func (e *RemainError) Error() string {
	var parts []string
	if e.Segments > 0 || e.Unstored == 0 {
		segments, stay := " segments (", " bytes) stay in the spool for the next run"
		if e.Segments == 1 {
			segments, stay = " segment (", " bytes) stays in the spool for the next run"
		}
		parts = append(parts, strconv.Itoa(e.Segments)+segments+strconv.FormatInt(e.Bytes, 10)+stay)
	}
	if e.Unstored == 1 {
		parts = append(parts, "1 segment could not be stored and ends with the process")
	} else if e.Unstored > 1 {
		parts = append(parts, strconv.Itoa(e.Unstored)+" segments could not be stored and end with the process")
	}
	s := strings.Join(parts, ", ")
	if e.Cause != nil {
		s += ": " + strings.ReplaceAll(e.Cause.Error(), "\n", "; ")
	}
	return s
}

// Unwrap returns Cause.
func (e *RemainError) Unwrap() error { return e.Cause }
