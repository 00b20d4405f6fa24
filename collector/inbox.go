package collector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// The errors of an [Inbox] or a [Queue], to be tested with [errors.Is].
var (
	// ErrFull says that the inbox accepts no batches until some are acknowledged or its disk has
	// room again. The batches in it are safe.
	ErrFull = errors.New("inbox is full")
	// ErrCursor says that a reader's cursor is beyond the newest batch, so it comes from another
	// inbox. The reader must start again from 0. Its store recognizes batches that it already has
	// by their ids.
	ErrCursor = errors.New("cursor is beyond the newest batch of this inbox")
	// ErrReader says that a reader is not among those of [Backlog.SetReaders].
	ErrReader = errors.New("not a reader of this inbox")
)

// MaxCommit is the maximum number of entries that a Collector passes to one call of [Inbox.Commit].
const MaxCommit = 1000

// Entry is one upload to be made durable.
type Entry struct {
	Envelope report.Envelope // Seq is ignored: the inbox assigns it
	Body     [32]byte        // SHA-256 of Envelope.Segment
}

// Status says what an inbox knows about an entry.
type Status uint8

// The statuses that [Inbox.Commit] returns.
const (
	StatusNew       Status = 1 // the id or the body was unknown; Commit has stored the entry
	StatusDuplicate Status = 2 // the same id with the same body was stored before; nothing changed
)

// Inbox holds sealed batches, each once, until detectors have taken them. It knows a batch by its
// id and its body, because anyone who has seen an id can send another body under it, and must not
// keep the batch out that way. The detector's store tells them apart. An Inbox combines a [Queue]
// and a [Ledger]. An implementation with both in one database commits them in one transaction.
// [Join] makes an Inbox from two separate ones. Implementations must be safe for concurrent use.
type Inbox interface {
	// Commit makes all new entries durable. statuses[i] is the status of entries[i]. If several
	// entries have the same id and body, the first counts as stored before the others. After an
	// error, no entry counts as stored, so all will be sent again. Those that were stored
	// nevertheless must then be recognized or be read twice. Commit is called by one goroutine at a
	// time and must not retain entries or their slices. The error is [ErrFull] or any other error.
	Commit(ctx context.Context, entries []Entry) (statuses []Status, err error)
	Backlog
}

// Backlog is what an [Inbox] and a [Queue] have in common: numbered batches for readers. The
// numbers rise in the order of commits. An implementation chooses the first number. It should be
// higher than any that an earlier backlog in the same place may have used.
type Backlog interface {
	// Read returns pending batches with Seq > after, oldest first. It returns at most limit batches
	// (limit is at least 1) and at most a few MiB, but at least one batch if there is one. The
	// caller owns the result. The error may be [ErrCursor].
	Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error)
	// SetReaders sets the names of the readers. A batch is held until all of them have acknowledged
	// it. The cursors of readers that are no longer named are deleted. A new reader starts with all
	// batches that are still held. Without readers, no batch is ever acknowledged.
	SetReaders(ctx context.Context, names []string) error
	// Ack says that a reader has all batches up to and including upTo. Batches that all readers
	// have are deleted. A lower upTo than before changes nothing. The error may be [ErrCursor]
	// or [ErrReader].
	Ack(ctx context.Context, reader string, upTo uint64) error
	// Changed returns a channel that is closed when a batch is stored after this call.
	Changed() <-chan struct{}
	// Maintain drops and counts batches that not all readers have acknowledged and that were
	// received too long ago. An Inbox also forgets old ids. A collector calls Maintain
	// every minute.
	Maintain(ctx context.Context) error
	// Check returns nil if a small batch could be stored now. It really writes. The error is
	// [ErrFull] or any other error.
	Check(ctx context.Context) error
	// Stats describes the backlog.
	Stats(ctx context.Context) (InboxStats, error)
	// Close waits for running calls and releases the backlog. It is idempotent. All other calls
	// fail after it.
	Close() error
}

// InboxStats describes an inbox or a queue at one moment.
type InboxStats struct {
	Head    uint64 // Seq of the newest batch; before the first, the Seq that it will come after
	Acked   uint64 // all batches up to this Seq were acknowledged by all readers, or dropped
	Pending uint64 // batches stored and not acknowledged by all readers
	// batches dropped because of their age since the inbox was created, see Maintain
	Dropped  uint64
	Bytes    int64 // bytes in use on disk
	MaxBytes int64 // bytes at which it is full
	// bytes at which it is full with the present room on its disk, at most MaxBytes; 0: unknown
	Limit  int64
	Full   bool      // it accepts no batches now because it has no room
	Oldest time.Time // when the oldest pending batch was received; zero when none is pending
	// Unread is when the oldest batch was received that is not held here any more, because a hub
	// has it, and that a detector there works on, or has yet to; zero when there is none.
	Unread  time.Time
	Readers []ReaderStats
}

// limit returns Limit, or MaxBytes if Limit is unknown.
func (s *InboxStats) limit() int64 {
	if s.Limit > 0 {
		return s.Limit
	}
	return s.MaxBytes
}

// shortOfDisk says if the disk has less room than MaxBytes. It returns "" if there is enough.
func (s *InboxStats) shortOfDisk() string {
	if s.limit() >= s.MaxBytes-s.MaxBytes/shortPart {
		return ""
	}
	return fmt.Sprintf("the disk lets the inbox take %d bytes, its maximum is %d: make room on the disk, or lower inbox_max_bytes", s.limit(), s.MaxBytes)
}

// shortPart is the divisor of MaxBytes that gives how much room a disk may lack before
// operators are told.
const shortPart = 10

// ReaderStats describes the progress of one reader.
type ReaderStats struct {
	Name  string    // as in SetReaders
	Acked uint64    // the reader has acknowledged everything up to this Seq
	Seen  time.Time // time of its last Ack; zero: none since the inbox was opened
}
