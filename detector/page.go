package detector

import (
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// FeedPage is what one read of a feed brought, opened.
type FeedPage struct {
	Feed        string // its name, which stays the same over restarts
	Cursor      uint64 // position of the last envelope read
	Batches     []Batch
	Quarantined []Quarantined

	Claims  []Claim   // of Batches, about batches that have not come
	Claimed []Claimed // all that Batches claim
}

// Batch is one opened batch, ready to be stored.
//
// Whoever has seen a segment can send another under its ID: one of their own, which has another
// Sealing, or the same without its last frames. Neither may keep the whole one out.
type Batch struct {
	ID       report.BatchID
	Sealing  [16]byte  // of its segment, see seal.Sealing
	Received time.Time // by the collector's clock
	ASN      uint32    // of the client, as its collector saw it; 0 if unknown
	App      string    // of the first header
	Records  int       // records of known kinds
	Counts   []model.Count
	Rows     []judgement.Row // what is judged; of Counts, one each
	Samples  []model.Sample
	Probes   []model.ProbeResult
	Claims   []Claim // about receipts; without Told

	// Deleted names the clients whose users have withdrawn consent (report.DeletionNotice), as
	// samples name them.
	Deleted []uint64

	ends []frameEnd // by frame
}

// frameEnd is how much of a batch its segment has told up to the end of a frame.
type frameEnd struct{ counts, samples, probes int }

// EndFrame notes that b has all that one more frame of its segment tells.
func (b *Batch) EndFrame() {
	b.ends = append(b.ends, frameEnd{len(b.Counts), len(b.Samples), len(b.Probes)})
}

// Frames is how many frames of its segment b has the content of.
func (b *Batch) Frames() int { return len(b.ends) }

// After returns what follows the first frames of b's segment.
func (b *Batch) After(frames int) *Batch {
	rest, last := *b, len(b.ends)
	if frames < 1 || frames > last {
		return &rest
	}
	// what comes after the last frame is about the upload, and was told with the first frames
	from, to := b.ends[frames-1], b.ends[last-1]
	rest.Counts = b.Counts[from.counts:to.counts]
	if len(b.Rows) == len(b.Counts) {
		rest.Rows = b.Rows[from.counts:to.counts]
	}
	rest.Samples = b.Samples[from.samples:to.samples]
	rest.Probes = b.Probes[from.probes:to.probes]
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
	Detail   string // the error; names no client and holds nothing of the content

	// the rest of its envelope, so that it can be tried again
	Collector string
	ASN       uint32
	Country   string
	Bucket    report.Bucket
	Delivery  report.Delivery
	Segment   []byte
}

// Waits reports whether batches that are in quarantine for a reason wait there to be tried again.
func Waits(reason string) bool {
	return reason == ReasonUnknownKey || reason == ReasonDeferred || reason == ReasonStore
}

// Reasons for which a batch is quarantined.
const (
	ReasonUnknownKey = "unknown_key" // sealed to a key that the keyring does not hold
	ReasonOpen       = "open"        // did not open: damaged, or made for something else
	ReasonSegment    = "segment"     // framing broken
	ReasonID         = "id_mismatch" // the segment carries another id than its envelope
	ReasonRecord     = "record"      // a record did not decode
	ReasonHeader     = "header"      // does not start with a header
	ReasonCollector  = "collector"   // its feed is another collector's than its envelope says

	// These batches wait, and are tried again: so do those of ReasonUnknownKey.

	ReasonDeferred = "deferred" // came from where so much comes from that others go first
	ReasonStore    = "store"    // the store takes everything else, but not this
)
