package collector

import (
	"context"
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Errors of an Inbox, for errors.Is.
var (
	// ErrFull says that the inbox takes nothing new until something was acknowledged or its disk
	// has room again. What it holds is safe.
	ErrFull = errors.New("inbox is full")
	// ErrCursor says that a reader's cursor lies beyond the newest batch: it was made by another
	// inbox. Start again from 0; the store's check of batch ids drops what was read before.
	ErrCursor = errors.New("cursor is beyond the newest batch of this inbox")
	// ErrReader says that a reader is not among those of Inbox.SetReaders.
	ErrReader = errors.New("not a reader of this inbox")
)

// MaxCommit is the most entries that a Collector passes to one Inbox.Commit.
const MaxCommit = 1000

// Entry is one upload to be made durable.
type Entry struct {
	Envelope report.Envelope // Seq is ignored: the inbox assigns it
	Body     [32]byte        // SHA-256 of Envelope.Segment
}

// Status is what an inbox did with one entry.
type Status uint8

// The statuses of an Inbox.Commit.
const (
	StatusNew       Status = 1 // stored
	StatusDuplicate Status = 2 // the same id with the same body was stored before; nothing changed
	StatusConflict  Status = 3 // the same id with another body was stored before; nothing changed
)

// Result is the answer to one Entry.
type Result struct {
	Status Status
	Seq    uint64 // of the stored batch when Status is StatusNew, else 0
}

// InboxStats describes an inbox at one moment.
type InboxStats struct {
	Head     uint64    // Seq of the newest batch; before the first, the Seq that it will come after
	Acked    uint64    // everything up to this Seq was acknowledged by all readers, or dropped
	Pending  uint64    // batches stored and not acknowledged by all readers
	Dropped  uint64    // batches ever dropped for their age, see Maintain
	Bytes    int64     // bytes in use on disk
	MaxBytes int64     // bytes at which the inbox is full
	Oldest   time.Time // when the oldest pending batch was received; zero when none is pending
	Readers  []ReaderStats
}

// ReaderStats describes how far one reader of an inbox is.
type ReaderStats struct {
	Name  string    // as in SetReaders
	Acked uint64    // the reader has acknowledged everything up to this Seq
	Seen  time.Time // of its last Ack; zero: not since the inbox was opened
}

// Inbox keeps sealed batches until a detector has taken them. It numbers them in the order of their
// commits; the first number is the implementation's choice, best one beyond all that an inbox
// before it in the same place can have given. Implementations are safe for concurrent use.
type Inbox interface {
	// Commit makes all entries durable in one transaction, or none: results[i] answers entries[i],
	// and an error means that nothing was stored. It is called by one goroutine at a time and does
	// not keep entries or their slices. Errors: ErrFull, or any other for an inbox that does
	// not work now.
	Commit(ctx context.Context, entries []Entry) ([]Result, error)
	// Read returns pending batches with Seq > after, oldest first: at most limit (1 or more) of
	// them and at most a few MiB, but one at least if there is one. The caller owns the result.
	// Errors: ErrCursor.
	Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error)
	// SetReaders says who reads: a batch may be forgotten when all of them have acknowledged it.
	// The cursors of readers who are no longer named are forgotten; a new one has all to read that
	// is still held, and holds it. Without readers nothing is ever acknowledged.
	SetReaders(ctx context.Context, names []string) error
	// Ack says that a reader has everything up to and including upTo. What all readers have is
	// forgotten, but for the ids, which are kept for a time so that a replay stays a duplicate. A
	// lower upTo than before changes nothing. Errors: ErrCursor, ErrReader.
	Ack(ctx context.Context, reader string, upTo uint64) error
	// Maintain forgets old ids, and drops batches that nobody has acknowledged for too long. A
	// collector calls it every minute.
	Maintain(ctx context.Context) error
	// Changed returns a channel that is closed when Commit stores something new after this call.
	Changed() <-chan struct{}
	// Check says whether Commit would take a small batch now, by really writing. Errors: as Commit.
	Check(ctx context.Context) error
	// Stats describes the inbox.
	Stats(ctx context.Context) (InboxStats, error)
	// Close waits for running calls and releases the inbox. It is idempotent; other calls
	// fail after it.
	Close() error
}
