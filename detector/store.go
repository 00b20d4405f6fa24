package detector

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// Events stores what was reported. It is large and only ever added to. Package storetest has the
// tests that an implementation must pass.
//
// An implementation knows no rules about the content: the detector decides which series are judged,
// how many there may be, and whose samples are not kept. It is safe for concurrent use. When a
// method that writes returns, its data is durable.
//
// If what is reported waits elsewhere until a database answers, methods may fail with
// [model.ErrAway]. Those that take reports and those about judging work all the same.
type Events interface {
	// Append stores the batches of a page that it does not have yet, and returns for each whether
	// it was new. A batch is identified by its ID and Sealing. If a batch was stored with fewer
	// frames, because it was cut on its way, the frames after those are new; Batch.After returns
	// them. Append stores all batches or, if it returns an error, none. It ignores the rest of the
	// page.
	Append(ctx context.Context, page *FeedPage) (isNew []bool, err error)
	// AddProbes stores results of probes that did not come in a batch.
	AddProbes(ctx context.Context, results []model.ProbeResult) error
	// Forget deletes the samples of clients.
	Forget(ctx context.Context, clients []uint64) error
	// Came returns for each name whether Append was given its batch, with at least as many frames.
	Came(ctx context.Context, names []BatchName) (came []bool, err error)

	// With new batches, Append stores their rows in the same transaction, as [EncodeRows] encodes
	// them, until they have been judged. Unjudged returns the pages of rows with numbers above
	// after, and last, the highest number that a page ever had. Numbers increase and are never
	// reused.
	Unjudged(ctx context.Context, after uint64) (pages []RowPage, last uint64, err error)
	// Rows returns the rows of a page, or nothing if there is no such page.
	Rows(ctx context.Context, number uint64) ([]byte, error)
	// Judged adds the pages of rows up to and including upTo to the rollups, as [RollUp] sums them,
	// and deletes them. Each page is added once, also if Judged is interrupted and called again.
	Judged(ctx context.Context, upTo uint64) error

	// Cells returns every cell of the bins that end after after and not after upTo, without a
	// limit.
	Cells(ctx context.Context, after, upTo time.Time) ([]Cell, error)
	// EachSeries calls f for every stored series, until f returns an error.
	EachSeries(ctx context.Context, f func(model.Series) error) error
	// LatestProbes calls f for the newest result of every target from every vantage since, until f
	// returns an error.
	LatestProbes(ctx context.Context, since time.Time, f func(model.ProbeResult) error) error

	// The following methods are those of [model.Reader].

	Totals(ctx context.Context, q model.TotalsQuery) ([]model.Total, error)
	Samples(ctx context.Context, q model.SampleQuery) ([]model.Sample, error)
	Reachability(ctx context.Context, q model.ReachQuery) ([]model.Reach, error)
	Curve(ctx context.Context, q model.CurveQuery) ([]model.CurvePoint, error)
	Servers(ctx context.Context, since time.Time) ([]model.ServerCount, error)
	Batch(ctx context.Context, id report.BatchID) (b model.BatchInfo, found bool, err error)
	Batches(ctx context.Context, since time.Time) (uint64, error)
	ProbeResults(ctx context.Context, q model.ProbeQuery) ([]model.ProbeResult, error)
	Rollups(ctx context.Context, q model.RollupQuery) ([]model.Rollup, error)
	Fingerprints(ctx context.Context, q model.FingerprintQuery) ([]model.Fingerprint, error)
	Latencies(ctx context.Context, q model.LatencyQuery) ([]model.LatencyStep, error)

	// Prune deletes data that is older than the retention allows. It may be interrupted and called
	// again.
	Prune(ctx context.Context, now time.Time, r Retention) error
	// Trim deletes the oldest data if the store takes more than maxBytes, until it takes a tenth
	// less. It deletes data of the kind that exceeds its part the most. Of samples and ids, it
	// deletes the oldest of the autonomous system that has the most. It does the same with counts
	// as long as one autonomous system has more than a quarter of them, and otherwise deletes the
	// oldest bins as a whole. It returns how many rows of each kind were deleted. It may be
	// interrupted and called again.
	Trim(ctx context.Context, maxBytes int64) (dropped map[string]int64, err error)
	// Size returns how much the store takes.
	Size(ctx context.Context) (StoreSize, error)
	// Ready returns nil if the store would store something now.
	Ready(ctx context.Context) error
	// Close waits for running calls and releases the store. It is idempotent.
	Close() error
}

// RowPage is a page of rows that wait to be judged.
type RowPage struct {
	Number  uint64    // never 0
	Arrived time.Time // when the first of its batches was received
}

// The kinds of data that Events.Trim distinguishes.
const (
	KindCells     = "cells" // counts
	KindSamples   = "samples"
	KindProbes    = "probes"
	KindBatches   = "batches"   // ids, by which repeated batches are recognised
	KindRollups   = "rollups"   // counts by minute and hour
	KindLatencies = "latencies" // how long requests took, by minute and hour
)

// StoreSize is how much a store takes.
type StoreSize struct {
	Bytes  int64                // in use
	Oldest map[string]time.Time // by kind: the time of the oldest data; absent if there is none
}

// State stores what the detector itself must remember. It is small and transactional. Package
// storetest has the tests that an implementation must pass. It is safe for concurrent use. When a
// method that writes returns, its data is durable, and after an error nothing of it is stored.
type State interface {
	// Cursor returns the position up to which a feed was read, or 0 at first.
	Cursor(ctx context.Context, feed string) (uint64, error)
	// SaveCursor stores the cursor of a page whose batches are stored, and adds the page's
	// Quarantined to the quarantine, each once. Batches whose reason Waits are kept up to
	// [MaxWaiting] bytes for each reason. If there are more, the oldest are dropped of the place
	// that has the most, in the autonomous system that has the most. Of all other batches, a
	// hundred are kept for people to look at: the newest, where places take turns.
	//
	// In the same transaction, it adds the page's claims about receipts to Claims and Claimed. A
	// claim that exists already stays as it is. If there are more than [MaxClaims] about a
	// collector, the oldest are dropped of the network that has the most.
	SaveCursor(ctx context.Context, page *FeedPage) error
	// FeedSince returns when the first cursor of a feed was stored. It is zero if there is none, or
	// if that was not recorded yet.
	FeedSince(ctx context.Context, feed string) (time.Time, error)
	// Quarantine returns at most limit batches of the quarantine whose numbers are above after, in
	// order.
	Quarantine(ctx context.Context, after uint64, limit int) ([]Held, error)
	// QuarantineCounts describes the quarantine by reason.
	QuarantineCounts(ctx context.Context) ([]QuarantineCount, error)
	// Deferred returns the batches of [ReasonDeferred] whose turn it is. Autonomous systems take
	// turns by bytes, and in each of them its places. Within a place, the smallest batches come
	// first, and then the newest. It returns at most limit batches, and no more than take the given
	// bytes of segments, but at least one.
	Deferred(ctx context.Context, limit int, bytes int64) ([]Held, error)
	// Reclassify changes the reason for which a batch is in quarantine, by its number.
	Reclassify(ctx context.Context, number uint64, reason, detail string) error
	// Release removes batches from the quarantine, by their numbers.
	Release(ctx context.Context, numbers []uint64) error
	// Quarantines returns for each name whether its batch is in quarantine.
	Quarantines(ctx context.Context, names []BatchName) (held []bool, err error)

	// Claims returns all claims that are not settled.
	Claims(ctx context.Context) ([]Claim, error)
	// SettleClaims deletes claims whose batches have come.
	SettleClaims(ctx context.Context, claims []Claim) error
	// Claimed returns what was claimed on the UTC day of since and on later days.
	Claimed(ctx context.Context, since time.Time) ([]Claimed, error)

	// SaveStep stores a step in one transaction: its incidents, new ones and those known by their
	// ID, its events in the outbox, present figures, and its judgement if it has one.
	SaveStep(ctx context.Context, s Step) error
	// Judgement returns the latest judgement that SaveStep stored; it is empty if there is none.
	Judgement(ctx context.Context) ([]byte, error)
	// Evaluated returns the end of the bin last given to SaveStep, or zero if there is none. It is
	// not the latest bin if a clock has gone back.
	Evaluated(ctx context.Context) (time.Time, error)
	// Incidents is as in model.Reader.
	Incidents(ctx context.Context, since time.Time) ([]model.Incident, error)
	// LastIncident returns the highest ID of an incident, or 0 if there is none.
	LastIncident(ctx context.Context) (int64, error)
	// AddNote stores what somebody did about an incident, and returns it with its number. Its error
	// wraps [model.ErrQuery] if the incident is unknown or has [model.MaxNotes] already. For more
	// than [model.MaxActs] notes of other kinds, it deletes the oldest except the first that
	// acknowledges the incident, and counts them.
	AddNote(ctx context.Context, n model.Note) (model.Note, error)
	// AddMute stores a mute by scope, and returns it with its number. Its error wraps
	// [model.ErrQuery] if there are [model.MaxMutes] that end after m.At.
	AddMute(ctx context.Context, m model.Mute) (model.Mute, error)
	// EndMute ends a mute by scope before its time, and returns it. Its error wraps
	// [model.ErrQuery] if there is no such mute, or if it is over.
	EndMute(ctx context.Context, number int64, at time.Time, who string) (model.Mute, error)
	// Mutes returns the mutes by scope that end after since, in the order of their numbers: at most
	// [model.MaxMutesRead], those that end last.
	Mutes(ctx context.Context, since time.Time) ([]model.Mute, error)
	// Milestones returns what the detector and the notifier did about an incident, the earliest
	// first. SaveStep and AckOutbox add to it. There are [model.MaxMilestones] at most.
	Milestones(ctx context.Context, incident int64) ([]model.Milestone, error)
	// Journals returns the notes and the earlier incidents of incidents, in their order.
	Journals(ctx context.Context, incidents []int64) ([]model.Journal, error)
	// Outbox returns at most limit events that follow the one with number after and are not
	// acknowledged, in the order of their steps.
	Outbox(ctx context.Context, after uint64, limit int) ([]Outgoing, error)
	// AckOutbox acknowledges the events up to and including upTo and stores alertState and told, in
	// one transaction. alertState is what the caller, who tells people of the events, must remember
	// of them; told is who was told since the last call. Milestones of unknown incidents are
	// ignored.
	AckOutbox(ctx context.Context, upTo uint64, alertState []byte, told []model.Milestone) error
	// AlertState returns what AckOutbox stored last; it is empty if there is nothing.
	AlertState(ctx context.Context) ([]byte, error)

	// SaveDeleted records that the samples of clients are not kept.
	SaveDeleted(ctx context.Context, deletions []Deletion) error
	// Deleted returns those of the clients that SaveDeleted was given.
	Deleted(ctx context.Context, clients []uint64) ([]uint64, error)
	// ClientKey returns the key under which clients of the UTC day that began at day are hashed.
	// The key is random. It is made when it is first asked for, and stays the same until Prune
	// destroys it.
	ClientKey(ctx context.Context, day time.Time) (sketch.Key, error)

	// Prune deletes data that is older than the retention allows, acknowledged or not, claims older
	// than [ClaimsKept], and the keys of all days except the day of now, the one before, and later
	// ones. If there are more than [MaxDeletions], it deletes the oldest of the autonomous systems
	// that have the most.
	Prune(ctx context.Context, now time.Time, r Retention) error
	// Ready and Close are as in [Events].
	Ready(ctx context.Context) error
	Close() error
}

// MaxWaiting is how many bytes of segments may wait in quarantine for one reason. A segment counts
// as at least 4 KiB.
const MaxWaiting = 256 << 20

// MaxDeletions is how many clients with a deletion notice are remembered.
const MaxDeletions = 1_000_000

// Deletion says that the samples of a client are not kept.
type Deletion struct {
	Client   uint64
	ASN      uint32    // where the notice came from
	Received time.Time // by the collector's clock
}

// Step is the result of judging one bin.
type Step struct {
	Bin    time.Time // when it ends
	Events []model.Event
	// Present are incidents that are open, with the figures of now. They replace what is stored of
	// them and are no events. Those that are unknown or over are ignored.
	Present []model.Incident
	// Judgement is the state from which judging continues; nil leaves the previous one.
	Judgement []byte
	Judged    time.Time // when the step was judged; zero means Bin
}

// Outgoing is an event in the outbox.
type Outgoing struct {
	Number uint64    // ascending, never 0; there may be gaps
	Bin    time.Time // the bin of its step
	model.Event
}

// Retention is how long data is kept. A zero field means its default.
type Retention struct {
	Rollups time.Duration // counts by bin, and closed incidents and events; 0 means 30 days
	Minutes time.Duration // rollups by minute; 0 means 3 days
	Hours   time.Duration // rollups by hour, and fingerprints of errors; 0 means 400 days
	Samples time.Duration // and probe results; 0 means 7 days
	// ids of batches, to recognise repeated ones, and clients whose samples are not kept; 0 means
	// 31 days, and it is never less than report.MaxAge
	IDs time.Duration
	// most bytes that Events may take, see Events.Trim, which may be exceeded for a minute; 0 means
	// 4 GiB
	MaxBytes int64
}

// Defaults returns r with its zero fields filled in.
func (r Retention) Defaults() Retention {
	def(&r.Rollups, 30*day)
	def(&r.Minutes, 3*day)
	def(&r.Hours, 400*day)
	def(&r.Samples, 7*day)
	def(&r.IDs, 31*day)
	def(&r.MaxBytes, 4<<30)
	r.IDs = max(r.IDs, report.MaxAge*time.Millisecond)
	return r
}

// Reader returns a [model.Reader] of both stores, for dashboards.
func Reader(e Events, s State) model.Reader { return reader{e, s} }

type reader struct {
	Events
	state State
}

func (r reader) Incidents(ctx context.Context, since time.Time) ([]model.Incident, error) {
	return r.state.Incidents(ctx, since)
}
