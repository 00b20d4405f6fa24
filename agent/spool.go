package agent

import (
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// ErrSpoolFull is what [SegmentWriter.Append] returns, wrapped, when the spool has no room even
// without its older segments.
var ErrSpoolFull = errors.New("spool is full")

// ErrSpoolBusy is what [Spool.LockUpload] returns, wrapped, while another agent on the same
// spool uploads.
var ErrSpoolBusy = errors.New("another agent uploads from this spool")

// ErrNoSegment is what [Spool.Read] returns, wrapped, for a segment that is gone or that the spool
// had to give up; the spool has counted it if it was lost.
var ErrNoSegment = errors.New("no such segment")

// Spool keeps sealed segments from their birth until a collector has them, and a few small blobs of
// state. Several agents may work on one spool at a time, in one process or in many; each writes
// segments of its own. The bytes are sealed already, so a spool needs no key. It bounds itself,
// drops the oldest segments first and counts what it drops.
//
// agenttest.TestSpool checks the rules that follow.
//
// A Spool creates nothing before Begin's first Append or State's first change, so that an agent
// without consent leaves no trace. All methods are safe for concurrent use.
type Spool interface {
	// Begin starts a segment whose first bytes are prefix. Nothing is stored before the
	// first Append.
	Begin(birth time.Time, id report.BatchID, prefix []byte) (SegmentWriter, error)

	// List tells the finished segments of all agents, oldest first. It also finishes what agents
	// that died left unfinished, and drops what is too old.
	List() ([]Segment, error)

	// Read returns the bytes of a finished segment that seal.ParseSegment accepts, or an error.
	Read(id report.BatchID) ([]byte, error)

	// Remove deletes a finished segment; one that is not there is not an error.
	Remove(id report.BatchID) error

	// LockUpload makes the caller the only agent on this spool that uploads, until it calls unlock.
	// ErrSpoolBusy when another is.
	LockUpload() (unlock func(), err error)

	// TakeDrops returns what the spool had to drop since the last call, and forgets it.
	TakeDrops() []report.Drop

	// State hands the blob called name, or nil, to update and durably stores what that returns: nil
	// keeps what is there, an empty blob that is not nil deletes it. No other agent on the spool
	// changes the blob meanwhile; update may be called more than once. It returns what is stored
	// afterwards. Name is 1 to 32 lower-case letters, the blob at most MaxState bytes.
	State(name string, update func(old []byte) []byte) ([]byte, error)

	// Usage tells how many segments are kept, unfinished ones included, and their bytes.
	Usage() (segments int, bytes int64)

	// Purge deletes everything: finished and unfinished segments of all agents, and all state but
	// StateNotice. Appending to an unfinished segment fails from then on.
	Purge() error

	// Close releases what the spool holds open. Segments still being written become finished ones
	// later, by any agent's List.
	Close() error
}

// MaxState is the most bytes that a blob of state has.
const MaxState = 1 << 20

// Segment is a finished segment in a spool.
type Segment struct {
	ID    report.BatchID
	Birth time.Time // by the wall clock of the agent that wrote it, to the millisecond
	Size  int64     // bytes
}

// SegmentWriter writes one segment. It is not safe for concurrent use.
type SegmentWriter interface {
	// Append stores whole frames durably: once it returns nil they survive the process and the
	// machine. After an error nothing of frames is stored, and only Close may follow.
	Append(frames []byte) error

	// Close ends the segment (seal.AppendEnd) and makes it a finished one. A segment without
	// frames vanishes.
	Close() error
}
