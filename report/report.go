// Package report is the vocabulary of Heliograph and its wire codec: outcomes, windows of counters,
// samples, the header that goes before them, and the limits of each. Most readers need Window,
// Header and DecodeRecord.
//
// Everything that is sent is a sequence of records, each a deterministic CBOR item (RFC 8949,
// section 4.2.1) of its own. Decoding is strict: a byte string that decodes encodes again to the
// same bytes. docs/wire-format.md has the CDDL.
//
// All text is valid UTF-8. Values are plain data: they are safe for concurrent use as long as
// nobody changes them.
package report

// Limits of a record. Encoders refuse what exceeds them, decoders refuse before they allocate.
const (
	MaxRecord   = 64 << 10  // bytes of one encoded record
	MaxSegment  = 256 << 10 // bytes of one sealed segment
	MaxCounters = 2048      // counters in one window
	MaxString   = 256       // bytes of a target, server, app, version, …
	MaxURL      = 2048      // bytes of a sample's URL
	MaxDrops    = 32        // reasons in one header
	MaxClients  = 32        // client tokens in a deletion notice
	MaxPath     = 16        // attempts in one delivery path
	// ms; whoever has an older age, a longer window or a slower request clamps it to this
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
	MaxMicros       = 1<<32 - 1 // µs of one step; whoever has a longer one clamps it to this
)

// Consent is how much a user allows. The zero value is Off.
type Consent uint8

// Consent levels, in rising order.
const (
	Off    Consent = 0 // nothing is counted, stored or sent
	Counts Consent = 1 // counters only
	// counters, a few samples with scrubbed URLs, and application errors with scrubbed
	// message and stack
	Diagnostics Consent = 2
)

// Source is the population that a batch speaks for; populations are never mixed.
type Source uint8

const (
	SourceAgent   Source = 1 // an agent inside an application
	SourceBrowser Source = 2 // a browser's own reports (W3C Reporting API), sealed by a collector
	SourceProber  Source = 3 // a prober: only ProbeResults stand below its header
)

// Record is one of *Header, *Window, *Sample, *ApplicationError, *DeletionNotice, *ProbeResults.
type Record interface {
	kind() uint64 // its number on the wire
	// every rule that does not concern the encoding; encoder and decoder both ask
	validate() error
	appendBody(dst []byte) []byte // of a valid record; cannot fail
}

// Header opens a segment and describes everything after it, until the next Header.
type Header struct {
	Source  Source
	App     string  // the application's name, 1 to MaxString bytes
	Version string  // the application's version, at most MaxString; may be empty
	OS      string  // family only: "linux", "android", "windows", …; may be empty
	Consent Consent // the level under which what follows was recorded; never Off
	// random, new every UTC day, tells distinct clients apart for that day; all zero: not told
	Client [16]byte
	// what was lost since the header before, at most MaxDrops, sorted by reason as bytes, no
	// reason twice
	Drops []Drop
}

// Drop counts records that were lost on the client, by reason.
type Drop struct {
	Reason string // Drop…, or another of 1 to MaxOutcome bytes of [a-z_]
	Count  uint64 // 1 to MaxCount
}

// Reasons for which an agent drops what it recorded.
const (
	DropSpoolFull   = "spool_full"   // oldest segments, to stay within the spool's bytes or count
	DropExpired     = "expired"      // older than the spool keeps
	DropCorrupt     = "corrupt"      // unreadable on disk: torn in the header, bit rot
	DropWriteFailed = "write_failed" // the disk took nothing: full, read-only, gone
	DropOverflow    = "overflow"     // more distinct counters than a window holds
	DropQueueFull   = "queue_full"   // the agent's own queue was full
	DropRefused     = "refused"      // a collector refused the batch for good
)

// Flags tell requests of one kind apart where totals should not be mixed. Those that this build
// does not know are kept as they came.
type Flags uint8

const (
	FlagRetry Flags = 1 << 0 // the application said that this request repeats a failed one
	// the client's network changed between the request and its report
	FlagNetworkChanged Flags = 1 << 1
)

// Window counts every request observed in a stretch of time. Times are relative to the segment's
// birth, see Delivery.
type Window struct {
	// ms from the segment's birth to the window's end; negative when it ended before;
	// within ±MaxAge
	End    int64
	Length uint64 // ms, 1 to MaxAge
	// the probability that such a window is sent, in parts per million, 1 to FullPPM: its counts
	// weigh FullPPM/SampledPPM
	SampledPPM uint32
	Counters   []Counter // 1 to MaxCounters, sorted by Compare, no key twice
}

// Counter counts the requests of one key.
type Counter struct {
	// origin of the request (RFC 6454): "https://shop.example"; 1 to MaxString bytes
	Target  string
	Outcome Outcome // Valid
	// ALPN id: "h2", "http/1.1"; "" when the request did not get that far; at most MaxString
	Protocol string
	// address and port that was tried last: "192.0.2.1:443"; "" when unknown; at most MaxString
	Server string
	Status uint16 // HTTP status, 0 when there was none, at most MaxStatus
	Flags  Flags
	Count  uint64 // 1 to MaxCount
}

// Sample is one request in detail; recorded under Diagnostics only.
type Sample struct {
	// ms from the segment's birth to the request's end; negative when it ended before;
	// within ±MaxAge
	At        int64
	URL       string   // scrubbed, see scrub.URL; at most MaxURL; may be empty
	Method    string   // "GET"; at most MaxString; may be empty
	Outcome   Outcome  // Valid
	Phase     Phase    // in which it ended; Valid
	Protocol  string   // as in Counter
	Server    string   // as in Counter
	Status    uint16   // as in Counter
	ElapsedMS uint64   // from the request's start to its end, at most MaxAge
	TraceID   [16]byte // W3C trace context; all zero: none
	Flags     Flags
}

// ErrorKind says how an application error came to notice.
type ErrorKind uint8

// Kinds of application errors. From KindCrash on they are what a browser reports of a page by
// itself (W3C Reporting API).
const (
	KindError ErrorKind = 1 // the application handed over an error
	KindPanic ErrorKind = 2 // a goroutine panicked
	KindLog   ErrorKind = 3 // the application logged it

	KindCrash        ErrorKind = 4 // the page's process ended
	KindDeprecation  ErrorKind = 5 // the page uses what browsers will remove
	KindIntervention ErrorKind = 6 // the browser did not do what the page asked for
	KindCSPViolation ErrorKind = 7 // the page broke its content security policy
)

// ApplicationError is one error of the application itself, with everything of the same fingerprint
// that happened in one window. It says nothing about requests, and is never added up with them.
// Message, Frames and TraceID are recorded under Diagnostics only.
type ApplicationError struct {
	// ms from the segment's birth to the last of them; negative when it came before; within ±MaxAge
	At   int64
	Kind ErrorKind // Valid
	// name of its type: "*fs.PathError", "runtime.boundsError"; of a log record its level; of a
	// browser's report "oom", "script-src-elem"; 1 to MaxString bytes
	Type string
	// of the first of them, scrubbed, see scrub.Text; at most MaxMessage; may be empty
	Message string
	// tells which errors are one problem; made from code, never from values; not all zero
	Fingerprint [16]byte
	Frames      []Frame  // the innermost first, at most MaxFrames; none: not told
	TraceID     [16]byte // W3C trace context of the first of them; all zero: none
	Count       uint64   // how many there were, 1 to MaxCount
	// page on which the first of them was, scrubbed, see scrub.URL; under Counts its origin alone;
	// at most MaxURL; may be empty
	URL string
}

// Frame is one call on a stack.
type Frame struct {
	Function string // with its package: "net/http.(*Client).Do"; 1 to MaxString bytes
	File     string // base name only, without a slash or backslash; at most MaxString; may be empty
	Line     uint32 // at most MaxLine, 0: unknown
}

// DeletionNotice is the last word of a user who has withdrawn consent: what was sent under these
// tokens is to be deleted. Only whoever chose the tokens, at random, can name them. The header
// before it has no Client.
type DeletionNotice struct {
	Clients [][16]byte // 1 to MaxClients, sorted as bytes, none twice, none all zero
}

// Delivery is what only the moment of upload knows. It goes beside the segment, in the clear,
// because the segment is sealed at birth.
type Delivery struct {
	// ms from the segment's birth to its upload, by the client's clock; at most MaxAge
	Age  uint64
	Path []Attempt // the collectors that failed before this one, in order, at most MaxPath
}

// Attempt is one failed try to deliver a batch.
type Attempt struct {
	Collector string  // the collector's id in the policy, 1 to MaxString bytes
	Outcome   Outcome // Valid, and not OK
}

// BatchID names a batch for ever. Its first 4 bytes are the Unix time in minutes, big-endian, so
// that ids of one hour lie together in an index; the other 12 are random.
type BatchID [16]byte

// Envelope is a sealed batch as a collector keeps it and its feed hands it on. The client's address
// is not in it.
type Envelope struct {
	// position in the collector's inbox, above 0, rising, with gaps; at most 2^63-1, for databases
	Seq       uint64
	Batch     BatchID
	Received  int64  // Unix ms, the collector's clock, > 0
	Collector string // id of the collector that took it, 1 to MaxString bytes
	ASN       uint32 // autonomous system of the peer address, 0: unknown
	Country   string // ISO 3166-1 alpha-2 of the peer address, "ZZ": unknown
	Delivery  Delivery
	Segment   []byte // as it came, 1 to MaxSegment bytes
}
