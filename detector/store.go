package detector

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// Events keeps what was reported: much, and only ever added to. Package storetest has the suite
// that an implementation must pass.
//
// An implementation knows no rule about the content. Which series are judged, how many there may be
// and whose samples are not kept is decided above it. It is safe for concurrent use, and what a
// writing method has stored is durable when it returns.
type Events interface {
	// Append stores the batches of a page that it does not know yet, and says for each whether it
	// was new. A batch is known by its ID and Sealing. One that is known with fewer frames, because
	// it was cut on its way, is new from there on: Batch.After is what is left to store. Append
	// stores all batches or, with an error, none. The rest of the page is not its concern.
	Append(ctx context.Context, page *FeedPage) (isNew []bool, err error)
	// AddProbes stores results of probes that came in no batch.
	AddProbes(ctx context.Context, results []model.ProbeResult) error
	// Forget deletes the samples of clients.
	Forget(ctx context.Context, clients []uint64) error
	// Came says for each name whether Append was given its batch, with as many frames at least.
	Came(ctx context.Context, names []BatchName) (came []bool, err error)

	// Append keeps the rows of what is new, as EncodeRows makes them, for whoever judges them: with
	// the batches, all or none. Unjudged returns the pages of rows that are numbered above after,
	// and last, the highest number that a page ever had. Numbers grow, and none is used again.
	Unjudged(ctx context.Context, after uint64) (pages []RowPage, last uint64, err error)
	// Rows returns what a page of rows holds; nothing when there is no such page.
	Rows(ctx context.Context, number uint64) ([]byte, error)
	// Judged deletes the pages of rows up to and including upTo.
	Judged(ctx context.Context, upTo uint64) error

	// Cells returns every cell of the bins that end after after and not after upTo, however many.
	Cells(ctx context.Context, after, upTo time.Time) ([]Cell, error)
	// EachSeries calls f for every series that anything is stored of, until f returns an error.
	EachSeries(ctx context.Context, f func(model.Series) error) error
	// LatestProbes calls f for the newest result of every target from every vantage since, until f
	// returns an error.
	LatestProbes(ctx context.Context, since time.Time, f func(model.ProbeResult) error) error

	// These are as in model.Reader.

	Totals(ctx context.Context, q model.TotalsQuery) ([]model.Total, error)
	Samples(ctx context.Context, q model.SampleQuery) ([]model.Sample, error)
	Reachability(ctx context.Context, since time.Time, step time.Duration) ([]model.Reach, error)
	Servers(ctx context.Context, since time.Time) ([]model.ServerCount, error)
	Batch(ctx context.Context, id report.BatchID) (b model.BatchInfo, found bool, err error)
	Batches(ctx context.Context, since time.Time) (uint64, error)
	ProbeResults(ctx context.Context, q model.ProbeQuery) ([]model.ProbeResult, error)

	// Prune deletes what is older than the retention allows. It may be interrupted and
	// called again.
	Prune(ctx context.Context, now time.Time, r Retention) error
	// Trim deletes the oldest data when the store takes more than maxBytes, until it takes a tenth
	// less: of the kind that exceeds its part most. Of samples and ids the oldest go of the
	// autonomous system that has the most; so it is with counts while one has more than a quarter
	// of them, and else the oldest bins go as a whole. It says how many rows of each kind went. It
	// may be interrupted and called again.
	Trim(ctx context.Context, maxBytes int64) (dropped map[string]int64, err error)
	// Size says how much the store takes.
	Size(ctx context.Context) (StoreSize, error)
	// Ready says whether the store would take something now.
	Ready(ctx context.Context) error
	// Close waits for running calls and releases the store. It is idempotent.
	Close() error
}

// RowPage is rows that wait to be judged.
type RowPage struct {
	Number  uint64    // never 0
	Arrived time.Time // when the first of its batches was received
}

// Kinds of data that Events.Trim tells apart.
const (
	KindCells   = "cells" // counts
	KindSamples = "samples"
	KindProbes  = "probes"
	KindBatches = "batches" // ids, by which a batch that comes again is known
)

// StoreSize is how much a store takes.
type StoreSize struct {
	Bytes  int64                // in use
	Oldest map[string]time.Time // by kind: how far back it reaches; absent without any
}

// State keeps what the detector itself must remember: little, and in transactions. Package
// storetest has the suite that an implementation must pass. It is safe for concurrent use, and what
// a writing method has stored is durable when it returns, all of it or nothing.
type State interface {
	// Cursor is the position up to which a feed was taken in, 0: nothing yet.
	Cursor(ctx context.Context, feed string) (uint64, error)
	// SaveCursor stores the cursor of a page whose batches are stored, and what of it could not be
	// used, once each: the quarantine. Batches whose reason Waits are kept up to MaxWaiting bytes
	// of each reason; when there are more, the oldest of the place that has the most go, in the
	// autonomous system that has the most. Of all others a hundred are kept for people to look at:
	// the newest, but of each place in turn.
	//
	// With the cursor it adds what the page claims of receipts to Claims and Claimed. A claim that
	// is there stays as it is. Of more than MaxClaims about a collector, the oldest of the network
	// that has the most go.
	SaveCursor(ctx context.Context, page *FeedPage) error
	// FeedSince is when the first cursor of a feed was stored; zero: there is none, or it was
	// before that was noted.
	FeedSince(ctx context.Context, feed string) (time.Time, error)
	// Quarantine returns batches in quarantine whose numbers are above after, in order; at most
	// limit of them.
	Quarantine(ctx context.Context, after uint64, limit int) ([]Held, error)
	// QuarantineCounts describes the quarantine by reason.
	QuarantineCounts(ctx context.Context) ([]QuarantineCount, error)
	// Deferred returns batches of ReasonDeferred whose turn it is: autonomous systems take turns,
	// in each its places, by bytes, and in a place the smallest and then the newest are first.
	// There are at most limit, and no more than make up so many bytes of segments, but
	// one at least.
	Deferred(ctx context.Context, limit int, bytes int64) ([]Held, error)
	// Reclassify changes the reason for which a batch is in quarantine, by its number.
	Reclassify(ctx context.Context, number uint64, reason, detail string) error
	// Release takes batches out of the quarantine, by their numbers.
	Release(ctx context.Context, numbers []uint64) error
	// Quarantines says for each name whether its batch is in quarantine.
	Quarantines(ctx context.Context, names []BatchName) (held []bool, err error)

	// Claims returns all claims that are not settled.
	Claims(ctx context.Context) ([]Claim, error)
	// SettleClaims forgets claims: their batches came.
	SettleClaims(ctx context.Context, claims []Claim) error
	// Claimed returns what was claimed in the UTC days since that of since.
	Claimed(ctx context.Context, since time.Time) ([]Claimed, error)

	// SaveStep stores a step: incidents, new ones and those known by their ID, the events in the
	// outbox, and the judgement if there is one.
	SaveStep(ctx context.Context, s Step) error
	// Judgement is the last that SaveStep was given; empty: none.
	Judgement(ctx context.Context) ([]byte, error)
	// Evaluated is the end of the bin last given to SaveStep, which is not the latest after a clock
	// has gone back; zero: none.
	Evaluated(ctx context.Context) (time.Time, error)
	// Incidents is as in model.Reader.
	Incidents(ctx context.Context, since time.Time) ([]model.Incident, error)
	// LastIncident is the highest ID of an incident, 0: none.
	LastIncident(ctx context.Context) (int64, error)
	// Outbox returns events that follow the one numbered after and are not acknowledged, in the
	// order of their steps; at most limit of them.
	Outbox(ctx context.Context, after uint64, limit int) ([]Outgoing, error)
	// AckOutbox says that events up to and including upTo are taken over by whoever tells people
	// of them, and stores what that one must remember in their place.
	AckOutbox(ctx context.Context, upTo uint64, alertState []byte) error
	// AlertState is what AckOutbox stored last; empty: nothing.
	AlertState(ctx context.Context) ([]byte, error)

	// SaveDeleted remembers that the samples of clients are not kept.
	SaveDeleted(ctx context.Context, deletions []Deletion) error
	// Deleted returns those among clients that SaveDeleted was given.
	Deleted(ctx context.Context, clients []uint64) ([]uint64, error)
	// ClientKey is the key under which clients of the UTC day that began at day are hashed. It is
	// random, made when it is asked for first, and the same until Prune has destroyed it.
	ClientKey(ctx context.Context, day time.Time) (sketch.Key, error)

	// Prune deletes what is older than the retention allows, acknowledged or not, claims older than
	// ClaimsKept, and the keys of all days but that of now and the one before, and what follows. Of
	// more than MaxDeletions, the oldest go of the autonomous systems that have the most.
	Prune(ctx context.Context, now time.Time, r Retention) error
	// Ready and Close are as in Events.
	Ready(ctx context.Context) error
	Close() error
}

// MaxWaiting is how many bytes of segments wait in quarantine for one reason. A segment counts as 4
// KiB at least.
const MaxWaiting = 256 << 20

// MaxDeletions is how many clients with a deletion notice are remembered.
const MaxDeletions = 1_000_000

// Deletion says that the samples of a client are not kept.
type Deletion struct {
	Client   uint64
	ASN      uint32    // from where the notice came
	Received time.Time // by the collector's clock
}

// Step is what one bin led to.
type Step struct {
	Bin    time.Time // when it ends
	Events []model.Event
	// Judgement is what the judgement goes on from; nil: the one before stays.
	Judgement []byte
}

// Outgoing is an event in the outbox.
type Outgoing struct {
	Number uint64    // ascending, never 0; not without gaps
	Bin    time.Time // of the step that it belongs to
	model.Event
}

// Retention says how long data is kept. A zero field means its default.
type Retention struct {
	Rollups time.Duration // counts, and closed incidents and events; 0 means 30 days
	Samples time.Duration // and probe results; 0 means 7 days
	// IDs of batches, for refusing duplicates, and of clients whose samples are not kept; 0 means
	// 31 days, and it is never less than report.MaxAge.
	IDs time.Duration
	// bytes that Events may take, see Events.Trim; 0 means 4 GiB. It may exceed them for a minute
	MaxBytes int64
}

// Defaults is r with its zero fields filled in.
func (r Retention) Defaults() Retention {
	def(&r.Rollups, 30*day)
	def(&r.Samples, 7*day)
	def(&r.IDs, 31*day)
	def(&r.MaxBytes, 4<<30)
	r.IDs = max(r.IDs, report.MaxAge*time.Millisecond)
	return r
}

// Reader answers what dashboards ask from both stores.
func Reader(e Events, s State) model.Reader { return reader{e, s} }

type reader struct {
	Events
	state State
}

func (r reader) Incidents(ctx context.Context, since time.Time) ([]model.Incident, error) {
	return r.state.Incidents(ctx, since)
}
