package detector

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Store keeps what was reported. Implementations are safe for concurrent use, and every writing
// method is one durable transaction.
type Store interface {
	model.Reader
	// Cursor is the position up to which a source was taken in, 0: nothing yet.
	Cursor(ctx context.Context, source string) (uint64, error)
	// Ingest stores a bunch together with its cursor. A batch whose id is known changes nothing and
	// is counted as a duplicate.
	Ingest(ctx context.Context, b Bunch) (Ingested, error)
	// Cells returns what clients contributed to bins that end after after and not after upTo; at
	// most limit cells.
	Cells(ctx context.Context, after, upTo time.Time, limit int) ([]Cell, error)
	// SaveStep stores incidents, new ones and those known by their ID, and that bins up to the one
	// that ends at bin were evaluated.
	SaveStep(ctx context.Context, bin time.Time, incidents []model.Incident) error
	// Evaluated is the end of the last bin given to SaveStep; zero: none.
	Evaluated(ctx context.Context) (time.Time, error)
	// LastIncident is the highest ID of an incident, 0: none.
	LastIncident(ctx context.Context) (int64, error)
	// Prune deletes what is older than the retention allows.
	Prune(ctx context.Context, now time.Time, r Retention) error
	// Ready says whether the store would take something now.
	Ready(ctx context.Context) error
	// Close waits for running calls and releases the store. It is idempotent.
	Close() error
}

// Bunch is what one read from a source brought.
type Bunch struct {
	Source      string
	Cursor      uint64 // position of the last envelope read
	Batches     []Batch
	Quarantined []Quarantined
}

// Batch is one opened batch, ready to be stored.
type Batch struct {
	ID       report.BatchID
	Received time.Time // by the collector's clock
	App      string    // of the first header
	Records  int       // records of known kinds
	Counts   []model.Count
	Samples  []model.Sample

	// Deleted names the clients whose users have withdrawn consent (report.DeletionNotice), in the
	// short form of Count.Client. A store deletes their samples and sightings, also those in this
	// bunch, and keeps neither of batches that come later, for as long as these could come. Sums
	// over all clients stay: nobody can be told apart in them.
	Deleted []uint64
}

// Quarantined is a batch that could not be used. A store keeps the newest few, for people
// to look at.
type Quarantined struct {
	ID       report.BatchID
	Received time.Time
	Reason   string // a Reason
	Detail   string // the error; names no client and holds nothing of the content
	Segment  []byte
}

// Reasons for which a batch is quarantined.
const (
	ReasonUnknownKey = "unknown_key" // sealed to a key that the keyring does not hold
	ReasonOpen       = "open"        // did not open: damaged, or made for something else
	ReasonSegment    = "segment"     // framing broken
	ReasonID         = "id_mismatch" // the segment carries another id than its envelope
	ReasonRecord     = "record"      // a record did not decode
	ReasonHeader     = "header"      // does not start with a header
)

// Ingested counts what Ingest did.
type Ingested struct {
	New        int // batches stored
	Duplicates int // batches that were stored before
}

// Retention says how long data is kept. A zero field means its default.
type Retention struct {
	Rollups   time.Duration // counts, and closed incidents; 0 means 30 days
	Samples   time.Duration // 0 means 7 days
	Sightings time.Duration // which client contributed to what; 0 means 2 days
	// ids of batches, for refusing duplicates; 0 means 31 days, and it is never less
	// than report.MaxAge
	IDs time.Duration
}

// Defaults is r with its zero fields filled in.
func (r Retention) Defaults() Retention {
	def(&r.Rollups, 30*day)
	def(&r.Samples, 7*day)
	def(&r.Sightings, 2*day)
	def(&r.IDs, 31*day)
	r.IDs = max(r.IDs, report.MaxAge*time.Millisecond)
	return r
}
