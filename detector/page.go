package detector

import (
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// FeedPage is what one read of a feed brought, opened.
type FeedPage struct {
	Feed        string // its name, which stays the same over restarts
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
	Probes   []model.ProbeResult

	// Deleted names the clients whose users have withdrawn consent (report.DeletionNotice), as
	// samples name them.
	Deleted []uint64
}

// Quarantined is a batch that could not be used.
type Quarantined struct {
	ID       report.BatchID
	Received time.Time
	Reason   string // a Reason
	Detail   string // the error; names no client and holds nothing of the content

	// the rest of its envelope, so that it can be tried again
	Collector string
	ASN       uint32
	Country   string
	Delivery  report.Delivery
	Segment   []byte
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
