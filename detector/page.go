package detector

import (
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// FeedPage is the opened result of one read of a feed.
type FeedPage struct {
	Feed        string // name of the feed, which stays the same over restarts
	Cursor      uint64 // position of the last envelope read
	Batches     []Batch
	Quarantined []Quarantined

	Claims  []Claim   // claims of Batches about batches that have not come
	Claimed []Claimed // all claims of Batches
}

// Batch is one opened batch, ready to be stored.
//
// Whoever has seen a segment can send another one under its ID: a segment of their own, which has
// another Sealing, or the same one without its last frames. Neither may keep the whole batch from
// being stored.
type Batch struct {
	ID       report.BatchID
	Sealing  [16]byte  // of its segment, see seal.Sealing
	Received time.Time // by the collector's clock
	ASN      uint32    // of the client, as its collector saw it; 0 if unknown
	App      string    // of the first header
	Records  int       // records of known kinds
	Counts   []model.Count
	Rows     []judgement.Row // the input of the judgement, one for each of Counts
	Samples  []model.Sample
	Probes   []model.ProbeResult
	Timed    []model.Timed
	// TimedRows are the rows of the judgement that tell how long requests took.
	TimedRows []judgement.Row
	Claims    []Claim // about receipts; Told is not set

	// Deleted has the clients whose users have withdrawn consent ([report.DeletionNotice]), as
	// samples name them.
	Deleted []uint64

	ends []frameEnd // by frame
}

// frameEnd is how much of a batch a segment's frames contain up to the end of one of them.
type frameEnd struct{ counts, samples, probes, timed, timedRows int }

// EndFrame records that b now has the content of one more frame of its segment.
func (b *Batch) EndFrame() {
	b.ends = append(b.ends, frameEnd{len(b.Counts), len(b.Samples), len(b.Probes), len(b.Timed), len(b.TimedRows)})
}

// Frames returns the number of frames of its segment whose content b has.
func (b *Batch) Frames() int { return len(b.ends) }

// After returns the content after the first frames of b's segment.
func (b *Batch) After(frames int) *Batch {
	rest, last := *b, len(b.ends)
	if frames < 1 || frames > last {
		return &rest
	}
	// content after the last frame is about the upload and was stored with the first frames
	from, to := b.ends[frames-1], b.ends[last-1]
	rest.Counts = b.Counts[from.counts:to.counts]
	if len(b.Rows) == len(b.Counts) {
		rest.Rows = b.Rows[from.counts:to.counts]
	}
	rest.Samples = b.Samples[from.samples:to.samples]
	rest.Probes = b.Probes[from.probes:to.probes]
	rest.Timed = b.Timed[from.timed:to.timed]
	rest.TimedRows = b.TimedRows[from.timedRows:to.timedRows]
	rest.ends = nil
	return &rest
}

// withoutSamplesOf returns b without the samples of clients.
func (b *Batch) withoutSamplesOf(clients map[uint64]bool) Batch {
	kept := *b
	kept.Samples, kept.ends = nil, slices.Clone(b.ends)
	frame := 0
	for i := range b.Samples {
		for ; frame < len(b.ends) && b.ends[frame].samples <= i; frame++ {
			kept.ends[frame].samples = len(kept.Samples)
		}
		if !clients[b.Samples[i].Client] {
			kept.Samples = append(kept.Samples, b.Samples[i])
		}
	}
	for ; frame < len(b.ends); frame++ {
		kept.ends[frame].samples = len(kept.Samples)
	}
	return kept
}

// Quarantined is a batch that could not be used.
type Quarantined struct {
	ID       report.BatchID
	Received time.Time
	Reason   string // a Reason
	Detail   string // the error, without clients and content

	// the rest of its envelope, so that it can be tried again
	Collector string
	ASN       uint32
	Country   string
	Bucket    report.Bucket
	Delivery  report.Delivery
	Segment   []byte
}

// Waits reports whether batches that are in quarantine for a reason will be tried again.
func Waits(reason string) bool {
	return reason == ReasonUnknownKey || reason == ReasonDeferred || reason == ReasonStore
}

// The reasons for which a batch is in quarantine.
const (
	ReasonUnknownKey = "unknown_key" // sealed to a key that the keyring does not have
	ReasonOpen       = "open"        // cannot be opened: damaged, or sealed for another purpose
	ReasonSegment    = "segment"     // the framing is broken
	ReasonID         = "id_mismatch" // the segment has another id than its envelope
	ReasonRecord     = "record"      // a record cannot be decoded
	ReasonHeader     = "header"      // the segment does not start with a header
	ReasonCollector  = "collector"   // the envelope names another collector than that of the feed

	// Batches with the following reasons, and with ReasonUnknownKey, wait and are tried again.

	ReasonDeferred = "deferred" // its place or network sends so much that others go first
	ReasonStore    = "store"    // the store refuses this batch but accepts others
)
