package collector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Errors of an Inbox or a Queue, for errors.Is.
var (
	// ErrFull says that the inbox takes nothing new until something was acknowledged or its disk
	// has room again. What it holds is safe.
	ErrFull = errors.New("inbox is full")
	// ErrCursor says that a reader's cursor lies beyond the newest batch: it was made by another
	// inbox. Start again from 0; the store's check of batch ids drops what was read before.
	ErrCursor = errors.New("cursor is beyond the newest batch of this inbox")
	// ErrReader says that a reader is not among those of Backlog.SetReaders.
	ErrReader = errors.New("not a reader of this inbox")
)

// MaxCommit is the most entries that a Collector passes to one Inbox.Commit.
const MaxCommit = 1000

// Entry is one upload to be made durable.
type Entry struct {
	Envelope report.Envelope // Seq is ignored: the inbox assigns it
	Body     [32]byte        // SHA-256 of Envelope.Segment
}

// Status is what is known of one entry.
type Status uint8

// The statuses of an Inbox.Commit.
const (
	StatusNew       Status = 1 // was not known; Commit has stored it
	StatusDuplicate Status = 2 // the same id with the same body was stored before; nothing changed
	StatusConflict  Status = 3 // the same id with another body was stored before; nothing changed
)

// Inbox keeps sealed batches, each id once, until detectors have taken them. It is a [Queue] and a
// [Ledger]: an implementation that has both in one database commits them in one transaction, and
// [Join] makes an Inbox of two that are apart. Implementations are safe for concurrent use.
type Inbox interface {
	// Commit makes all entries durable whose ids are new, and says what each one was:
	// statuses[i] answers entries[i]; of several with one id, the first counts as stored before
	// the others. After an error nobody may be told that an entry is stored. They will be sent
	// again, and so must either be told from new ones then, or be read twice. It is called by one
	// goroutine at a time and does not keep entries or their slices. Errors: ErrFull, or any
	// other for an inbox that does not work now.
	Commit(ctx context.Context, entries []Entry) (statuses []Status, err error)
	Backlog
}

// Backlog is what an [Inbox] and a [Queue] have in common: numbered batches that readers take. The
// numbers rise in the order of commits; the first one is the implementation's choice, best one
// beyond all that a backlog before it in the same place can have given.
type Backlog interface {
	// Read returns pending batches with Seq > after, oldest first: at most limit (1 or more) of
	// them and at most a few MiB, but one at least if there is one. The caller owns the result.
	// Errors: ErrCursor.
	Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error)
	// SetReaders says who reads: a batch may be forgotten when all of them have acknowledged it.
	// The cursors of readers who are no longer named are forgotten; a new one has all to read that
	// is still held, and holds it. Without readers nothing is ever acknowledged.
	SetReaders(ctx context.Context, names []string) error
	// Ack says that a reader has everything up to and including upTo. What all readers have is
	// forgotten. A lower upTo than before changes nothing. Errors: ErrCursor, ErrReader.
	Ack(ctx context.Context, reader string, upTo uint64) error
	// Changed returns a channel that is closed when something new is stored after this call.
	Changed() <-chan struct{}
	// Maintain drops, and counts, batches that were received too long ago and that not all readers
	// have acknowledged. An Inbox forgets old ids, too. A collector calls it every minute.
	Maintain(ctx context.Context) error
	// Check says whether a small batch would be stored now, by really writing. Errors: ErrFull, or
	// any other for a backlog that does not work now.
	Check(ctx context.Context) error
	// Stats describes the backlog.
	Stats(ctx context.Context) (InboxStats, error)
	// Close waits for running calls and releases the backlog. It is idempotent; other calls fail
	// after it.
	Close() error
}

// InboxStats describes an inbox or a queue at one moment.
type InboxStats struct {
	Head     uint64 // Seq of the newest batch; before the first, the Seq that it will come after
	Acked    uint64 // everything up to this Seq was acknowledged by all readers, or dropped
	Pending  uint64 // batches stored and not acknowledged by all readers
	Dropped  uint64 // batches ever dropped for their age, see Maintain
	Bytes    int64  // bytes in use on disk
	MaxBytes int64  // bytes at which it is full
	// bytes at which it is full as its disk is now, at most MaxBytes; 0: nobody knows the disk
	Limit   int64
	Full    bool      // it takes nothing now for want of room
	Oldest  time.Time // when the oldest pending batch was received; zero when none is pending
	Readers []ReaderStats
}

// limit is Limit, or MaxBytes where nobody knows the disk.
func (s *InboxStats) limit() int64 {
	if s.Limit > 0 {
		return s.Limit
	}
	return s.MaxBytes
}

// shortOfDisk says in words that the disk has room for less than MaxBytes: "" when it has.
func (s *InboxStats) shortOfDisk() string {
	if s.limit() >= s.MaxBytes-s.MaxBytes/shortPart {
		return ""
	}
	return fmt.Sprintf("the disk lets the inbox take %d bytes, its maximum is %d: make room on the disk, or lower inbox_max_bytes", s.limit(), s.MaxBytes)
}

// shortPart is the part of MaxBytes that a disk may lack before operators are told.
const shortPart = 10

// ReaderStats describes how far one reader is.
type ReaderStats struct {
	Name  string    // as in SetReaders
	Acked uint64    // the reader has acknowledged everything up to this Seq
	Seen  time.Time // of its last Ack; zero: not since the inbox was opened
}
