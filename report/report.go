// Package report defines the records that Heliograph sends, their limits and their encoding. Start
// with [Window], the counters of an interval, [Header], which precedes it, and [Outcome], how a
// request ended. [AppendRecord] and [DecodeRecord] encode and decode any record.
//
// What is sent is a sequence of records. Each is a separate item of deterministic CBOR (RFC 8949,
// section 4.2.1). Decoding is strict: if bytes decode, the result encodes to the same bytes.
// docs/wire-format.md has the CDDL.
//
// All strings are valid UTF-8. Values are plain data and safe for concurrent use as long as nobody
// changes them. Comments such as "1 to MaxString bytes" state what encoders and decoders accept.
package report

// Limits of a record. Encoders and decoders refuse what exceeds them, decoders before
// they allocate.
const (
	MaxRecord   = 64 << 10  // bytes of one encoded record
	MaxSegment  = 256 << 10 // bytes of one sealed segment
	MaxCounters = 2048      // counters in one window
	// counters, samples and application errors in one segment: what a detector takes of it
	MaxSegmentRows = 8192
	MaxString      = 256  // bytes of a target, server, app, version, …
	MaxURL         = 2048 // bytes of a sample's URL
	MaxDrops       = 32   // reasons in one header
	MaxClients     = 32   // client tokens in a deletion notice
	MaxReceipts    = 64   // batches named in one record of receipts
	MaxPath        = 16   // attempts in one delivery path
	// ms; greater ages, window lengths and durations of requests must be clamped to it
	MaxAge     = 30 * 24 * 60 * 60 * 1000
	MaxCount   = 1<<32 - 1 // requests in one counter, records in one drop
	MaxStatus  = 999       // HTTP status
	MaxMessage = 1024      // bytes of an application error's message
	MaxFrames  = 32        // frames of an application error's stack
	MaxLine    = 1<<31 - 1 // line in a frame
	FullPPM    = 1_000_000 // the probability 1 in parts per million

	MaxProbeTargets = 1024      // targets in one record of probe results
	MaxProbeResults = 4096      // results in one record of probe results
	MaxProbeSteps   = 16        // steps of one attempt of a prober
	MaxMicros       = 1<<32 - 1 // µs of one step; longer ones must be clamped to it
)

// Consent is how much a user allows to be recorded and sent. The zero value is [Off].
type Consent uint8

// Consent levels, in ascending order.
const (
	Off    Consent = 0 // nothing is counted, stored or sent
	Counts Consent = 1 // counters only
	// counters, a few samples with scrubbed URLs, and application errors with scrubbed
	// message and stack
	Diagnostics Consent = 2
)

// Source is the kind of reporter that a batch comes from. Counts of different sources are never
// added up.
type Source uint8

const (
	SourceAgent   Source = 1 // an agent inside an application
	SourceBrowser Source = 2 // a browser's own reports (W3C Reporting API), sealed by a collector
	SourceProber  Source = 3 // a prober; only ProbeResults follow its header
)

// Record is a *[Header], *[Window], *[Sample], *[ApplicationError], *[DeletionNotice],
// *[ProbeResults], *[Receipts] or *[Durations].
type Record interface {
	kind() uint64 // its number on the wire
	// checks every rule that does not concern the encoding; called by encoder and decoder
	validate() error
	appendBody(dst []byte) []byte // for a valid record; cannot fail
}

// Header starts a segment. It describes the records that follow it, up to the next Header.
type Header struct {
	Source  Source
	App     string  // the application's name, 1 to MaxString bytes
	Version string  // the application's version, at most MaxString; may be empty
	OS      string  // family only, such as "linux", "android" or "windows"; may be empty
	Consent Consent // the consent under which the following records were made; never Off
	// random token, new every UTC day, that distinguishes the clients of that day; all zero
	// if not sent
	Client [16]byte
	// what was lost since the previous header; at most MaxDrops, sorted bytewise by reason, without
	// duplicate reasons
	Drops []Drop
}

// Drop counts records that were lost on the client, by reason.
type Drop struct {
	Reason string // one of the Drop constants, or another of 1 to MaxOutcome bytes of [a-z_]
	Count  uint64 // 1 to MaxCount
}

// Reasons for which an agent drops what it recorded.
const (
	// the oldest segments were deleted to stay within the spool's limits
	DropSpoolFull   = "spool_full"
	DropExpired     = "expired"      // older than the spool keeps
	DropCorrupt     = "corrupt"      // unreadable on disk
	DropWriteFailed = "write_failed" // the disk took nothing: full, read-only, gone
	DropOverflow    = "overflow"     // more distinct counters than a window holds
	DropQueueFull   = "queue_full"   // the agent's own queue was full
	DropRefused     = "refused"      // a collector refused the batch for good
)

// Flags distinguish requests whose totals should not be mixed. Encoders and decoders keep
// unknown flags unchanged; detectors clear them.
type Flags uint8

const (
	FlagRetry Flags = 1 << 0 // according to the application, the request repeats a failed one
	// the client's network changed between the request and its report
	FlagNetworkChanged Flags = 1 << 1

	KnownFlags = FlagRetry | FlagNetworkChanged // those of this release
)

// Window counts every request that was observed in one interval. Times are relative to the creation
// of the segment; see [Delivery].
type Window struct {
	// end of the window in ms after the segment's creation, negative if before; within ±MaxAge
	End    int64
	Length uint64 // ms, 1 to MaxAge
	// probability with which such a window is sent, in parts per million, 1 to FullPPM; each count
	// represents FullPPM/SampledPPM requests
	SampledPPM uint32
	Counters   []Counter // 1 to MaxCounters, sorted by Counter.Compare, without duplicate keys
}

// Counter counts the requests of one key, which is all fields but Count.
type Counter struct {
	// origin of the request (RFC 6454): "https://shop.example"; 1 to MaxString bytes
	Target  string
	Outcome Outcome // Valid
	// ALPN id, such as "h2" or "http/1.1"; empty if the request did not get that far; at
	// most MaxString
	Protocol string
	// address and port that were tried last, such as "192.0.2.1:443"; empty if unknown; at most
	// MaxString
	Server string
	Status uint16 // HTTP status, at most MaxStatus; 0 if there was none
	Flags  Flags
	Count  uint64 // 1 to MaxCount
}

// Durations are how long the requests of a window took until they failed or the response's head
// came. The record stands directly after that window's. What it counts has the same weight as the
// window's counters. Readers before release 0.2 pass over it, which a new key in the window would
// not have allowed.
type Durations struct {
	// one for each of the window's groups (see Window.Groups) in their order; empty if unknown. 1
	// to MaxCounters, the last of them not empty. A reader ignores one that counts more
	// than its group
	Histograms []Histogram
}

// Sample is one request in detail. It is recorded only with consent to [Diagnostics].
type Sample struct {
	// end of the request in ms after the segment's creation, negative if before; within ±MaxAge
	At        int64
	URL       string   // scrubbed by scrub.URL; at most MaxURL; may be empty
	Method    string   // "GET"; at most MaxString; may be empty
	Outcome   Outcome  // Valid
	Phase     Phase    // Valid; where the request ended
	Protocol  string   // as in Counter
	Server    string   // as in Counter
	Status    uint16   // as in Counter
	ElapsedMS uint64   // from the request's start to its end, at most MaxAge
	TraceID   [16]byte // W3C trace context; all zero if none
	Flags     Flags
}

// ErrorKind is how an application error was noticed.
type ErrorKind uint8

// Kinds of application errors. Those from KindCrash on are reported by a browser on its own (W3C
// Reporting API).
const (
	KindError ErrorKind = 1 // the application reported an error to the agent
	KindPanic ErrorKind = 2 // a goroutine panicked
	KindLog   ErrorKind = 3 // the application logged an error

	KindCrash        ErrorKind = 4 // the process of the page crashed
	KindDeprecation  ErrorKind = 5 // the page uses a feature that browsers will remove
	KindIntervention ErrorKind = 6 // the browser declined what the page asked for
	KindCSPViolation ErrorKind = 7 // the page violated its content security policy
)

// ApplicationError describes all errors of the application itself with one fingerprint in one
// window. It says nothing about requests and is never added up with them. Message, Frames and
// TraceID are recorded only with consent to [Diagnostics].
type ApplicationError struct {
	// time of the last error in ms after the segment's creation, negative if before; within ±MaxAge
	At   int64
	Kind ErrorKind // Valid
	// name of the error's type, such as "*fs.PathError" or "runtime.boundsError"; for a log record,
	// its level; for a browser's report, a word such as "oom" or "script-src-elem"; 1 to
	// MaxString bytes
	Type string
	// message of the first error, scrubbed by scrub.Text; at most MaxMessage; may be empty
	Message string
	// the same for errors with one cause; derived from code, never from values; not all zero
	Fingerprint [16]byte
	Frames      []Frame  // innermost first, at most MaxFrames; empty if unknown
	TraceID     [16]byte // W3C trace context of the first error; all zero if none
	Count       uint64   // number of errors, 1 to MaxCount
	// page of the first error, scrubbed by scrub.URL; with consent to Counts, only its origin; at
	// most MaxURL; may be empty
	URL string
}

// Frame is one call on a stack.
type Frame struct {
	Function string // name with its package, such as "net/http.(*Client).Do"; 1 to MaxString bytes
	File     string // base name only, without a slash or backslash; at most MaxString; may be empty
	Line     uint32 // at most MaxLine; 0 if unknown
}

// DeletionNotice is sent once after a user has withdrawn consent. It asks to delete what was sent
// under the given tokens. Tokens are random, so only the client that chose them can name them. The
// header before a DeletionNotice has no Client.
type DeletionNotice struct {
	Clients [][16]byte // 1 to MaxClients tokens, sorted bytewise, without duplicates, none all zero
}

// Receipts names batches that collectors have signed for, so that whoever opens the segment can
// tell whether they came. All of them are of the client and the UTC day of the header's token.
type Receipts struct {
	Batches []ReceiptedBatch // 1 to MaxReceipts, sorted bytewise by Name, without duplicates
}

// ReceiptedBatch is a batch that a collector has signed for.
type ReceiptedBatch struct {
	Collector string // its id in the policy, 1 to MaxString bytes
	// the first 8 bytes of the batch's id, then the first 8 of seal.Sealing of its segment; not
	// all zero
	Name   [16]byte
	Frames uint16 // of its segment, so that one that came cut is not taken for it; at least 1
}

// Delivery is what is known only at the time of upload. It is sent beside the segment, unencrypted,
// because the segment was sealed when it was created.
type Delivery struct {
	// ms from the segment's creation to its upload, by the client's clock; at most MaxAge
	Age  uint64
	Path []Attempt // failed attempts at other collectors before this one, in order; at most MaxPath
}

// Attempt is one failed try to deliver a batch.
type Attempt struct {
	Collector string  // the collector's id in the policy, 1 to MaxString bytes
	Outcome   Outcome // Valid, and not OK
}

// BatchID is the permanent name of a batch. Its first 4 bytes are the Unix time in minutes,
// big-endian, so that ids of one hour are close together in an index. The other 12 are random.
type BatchID [16]byte

// Envelope is a sealed batch as a collector stores it and serves it in its feed. It does not
// contain the client's address.
type Envelope struct {
	// position in the collector's inbox, above 0, ascending, with gaps; at most 2^63-1,
	// for databases
	Seq       uint64
	Batch     BatchID
	Received  int64  // Unix time in ms by the collector's clock, above 0
	Collector string // id of the collector that accepted the batch, 1 to MaxString bytes
	ASN       uint32 // autonomous system of the client's address; 0 if unknown
	Country   string // country of the client's address, ISO 3166-1 alpha-2; "ZZ" if unknown
	Delivery  Delivery
	Segment   []byte // the segment unchanged, 1 to MaxSegment bytes
	Bucket    Bucket // of the client's address; 0 if unknown
}
