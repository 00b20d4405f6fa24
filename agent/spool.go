package agent

import (
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// ErrSpoolFull is the wrapped error of [SegmentWriter.Append] if the spool has no room even without
// its older segments.
var ErrSpoolFull = errors.New("spool is full")

// ErrSpoolBusy is the wrapped error of [Spool.LockUpload] while another agent uploads from the
// same spool.
var ErrSpoolBusy = errors.New("another agent uploads from this spool")

// ErrNoSegment is the wrapped error of [Spool.Read] for a segment that was removed or dropped. If
// it was lost, the spool has counted it.
var ErrNoSegment = errors.New("no such segment")

// Spool stores sealed segments until a collector has them, and a few small blobs of state. Several
// agents may use the same spool at the same time, in one or several processes. Each writes its own
// segments. The bytes are already sealed, so a spool needs no key. A spool limits its own size,
// drops the oldest segments first and counts what it drops.
//
// agenttest.TestSpool checks whether an implementation follows these rules.
//
// A Spool creates nothing before the first Append of a segment or the first change by State, so
// that an agent without consent leaves no trace. All methods must be safe for concurrent use.
type Spool interface {
	// Begin starts a segment whose first bytes are prefix. Nothing is stored before the
	// first Append.
	Begin(birth time.Time, id report.BatchID, prefix []byte) (SegmentWriter, error)

	// List returns the finished segments of all agents, oldest first. It also finishes segments
	// that agents left unfinished when they died, and drops segments that are too old.
	List() ([]Segment, error)

	// Read returns the bytes of a finished segment that seal.ParseSegment accepts, or an error.
	Read(id report.BatchID) ([]byte, error)

	// Remove deletes a finished segment. It is not an error if there is no such segment.
	Remove(id report.BatchID) error

	// LockUpload makes the caller the only agent that uploads from this spool until it calls
	// unlock. The error is [ErrSpoolBusy] if another agent uploads.
	LockUpload() (unlock func(), err error)

	// TakeDrops returns the losses since the last call.
	TakeDrops() []report.Drop

	// State calls update with the blob of that name, or nil if there is none, and durably stores
	// the result. If update returns nil, the blob stays as it is. If it returns an empty blob that
	// is not nil, the blob is deleted. No other agent changes the blob meanwhile. update may be
	// called more than once. State returns the blob that is stored afterwards. A name has 1 to 32
	// lower-case letters ([ValidState]), and a blob at most [MaxState] bytes. Otherwise the error
	// is [ErrStateName] or [ErrStateSize].
	State(name string, update func(old []byte) []byte) ([]byte, error)

	// Usage returns the number of segments, including unfinished ones, and their total size.
	Usage() (segments int, bytes int64)

	// Purge deletes the finished and unfinished segments of all agents, and all states except
	// [StateNotice]. Later calls of Append for an unfinished segment fail.
	Purge() error

	// Close releases the spool's resources. Segments that are still being written are finished
	// later by the List of any agent.
	Close() error
}

// MaxState is the maximum size of a blob of state, in bytes.
const MaxState = 1 << 20

// The errors of [Spool.State] for a name and a blob that are not allowed.
var (
	ErrStateName = errors.New("a state's name must be 1 to 32 lower-case letters")
	ErrStateSize = errors.New("state is larger than agent.MaxState")
)

// ValidState reports whether [Spool.State] allows a name.
func ValidState(name string) bool {
	for i := range len(name) {
		if name[i] < 'a' || name[i] > 'z' {
			return false
		}
	}
	return name != "" && len(name) <= 32
}

// Segment is a finished segment in a spool.
type Segment struct {
	ID    report.BatchID
	Birth time.Time // by the wall clock of the agent that wrote it, to the millisecond
	Size  int64     // bytes
}

// SegmentWriter writes one segment. It is not safe for concurrent use.
type SegmentWriter interface {
	// Append stores whole frames durably. Once it returns nil, they survive a crash of the process
	// and of the machine. After an error, no part of frames is stored, and only Close may
	// be called.
	Append(frames []byte) error

	// Close ends the segment ([seal.AppendEnd]) and makes it a finished one. A segment without
	// frames is removed.
	Close() error
}
