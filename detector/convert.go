package detector

import (
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

var (
	errNoHeader = errors.New("the first record is no header")
	errID       = errors.New("the segment carries another batch id than its envelope")
	errReserved = errors.New("malformed window: a target is reserved for deliveries")
)

// opener opens envelopes. It is used by one goroutine.
type opener struct {
	keys     *seal.Keyring
	bin      time.Duration
	maxAge   time.Duration
	vantages []string      // vantages whose results are accepted
	usable   time.Duration // the longest window that can be judged in time; 0: any

	timed map[string]bool // targets of which durations are stored
}

// opened is an opened batch and what was noticed while opening it.
type opened struct {
	Batch
	sealed  *report.Envelope
	unknown int           // records of kinds that this build does not know
	strange int           // results of probes from vantages that are not accepted
	surplus int           // rows beyond report.MaxSegmentRows, which are left out
	tokens  int           // headers that name another client than the first
	drops   []report.Drop // that the client reports
	source  report.Source // of the first header, like the following
	consent report.Consent

	windows, longWindows int           // how many, and how many too long to be judged in time
	longest              time.Duration // window
}

// open opens and decodes a batch. If err is not nil, reason says why the batch cannot be used.
func (o *opener) open(e *report.Envelope, now time.Time) (b *opened, reason string, err error) {
	info, records, err := o.keys.Open(e.Segment)
	return o.decode(e, now, &Opening{info, records, err})
}

// decode decodes a batch that was opened. Its results are those of open.
func (o *opener) decode(e *report.Envelope, now time.Time, opening *Opening) (b *opened, reason string, err error) {
	info, err := opening.Info, opening.Err
	switch {
	case errors.Is(err, seal.ErrUnknownKey):
		return nil, ReasonUnknownKey, err
	case errors.Is(err, seal.ErrOpen):
		return nil, ReasonOpen, err
	case err != nil:
		return nil, ReasonSegment, err
	case info.ID != e.Batch:
		return nil, ReasonID, errID
	}
	c := newConversion(o, e, now)
	for _, r := range opening.Records {
		if err := c.record(r); err != nil {
			if errors.Is(err, errNoHeader) {
				return nil, ReasonHeader, err
			}
			return nil, ReasonRecord, err
		}
		c.out.EndFrame()
	}
	if c.header == nil {
		return nil, ReasonHeader, errNoHeader
	}
	c.delivery()
	return &c.out, "", nil
}

// conversion converts one batch. Times are by the collector's clock, because the client reports
// only ages.
type conversion struct {
	*opener
	e        *report.Envelope
	received time.Time
	birth    time.Time // of the segment
	last     time.Time // the latest time in the segment
	header   *report.Header
	token    [16]byte // of the first header
	client   uint64   // the client of the counts
	owner    uint64   // the client whose samples a notice deletes
	rows     int      // rows of the segment so far
	before   counted  // the record before, if it is a window
	out      opened
}

func newConversion(o *opener, e *report.Envelope, now time.Time) *conversion {
	received := time.UnixMilli(e.Received)
	if received.After(now) { // the collector's clock is ahead of ours
		received = now
	}
	birth := received.Add(-time.Duration(min(e.Delivery.Age, report.MaxAge)) * time.Millisecond)
	c := &conversion{opener: o, e: e, received: received, birth: birth, last: birth}
	c.out.sealed, c.out.ID, c.out.Received, c.out.ASN = e, e.Batch, received, e.ASN
	c.out.Sealing = seal.Sealing(e.Segment)
	return c
}

// at returns the time that is a number of milliseconds after the segment's birth, but not before
// MaxAge and not in the future.
func (c *conversion) at(ms int64) time.Time {
	t := c.birth.Add(time.Duration(ms) * time.Millisecond)
	if oldest := c.received.Add(-c.maxAge); t.Before(oldest) {
		return oldest
	}
	if t.After(c.received) {
		return c.received
	}
	return t
}

// binEnd returns the end of the bin that contains t.
func (o *opener) binEnd(t time.Time) time.Time {
	width := o.bin.Milliseconds()
	return time.UnixMilli(t.UnixMilli()/width*width + width)
}

func (c *conversion) record(b []byte) error {
	r, err := report.DecodeRecord(b)
	if errors.Is(err, report.ErrUnknownRecord) {
		c.out.unknown++
		c.before = counted{}
		return nil
	}
	if err != nil {
		return err
	}
	c.out.Records++
	h, isHeader := r.(*report.Header)
	if !isHeader && c.header == nil {
		return errNoHeader
	}
	if _, isDurations := r.(*report.Durations); !isDurations {
		c.before = counted{}
	}
	switch r := r.(type) {
	case *report.Durations:
		c.durations(r)
		c.before = counted{}
	case *report.Header:
		c.begin(scrubHeader(h))
	case *report.Window:
		return c.window(r)
	case *report.Sample:
		if c.room() {
			c.sample(scrubSample(r))
		}
	case *report.ApplicationError:
		if c.room() {
			c.applicationError(scrubError(r))
		}
	case *report.ProbeResults:
		c.probes(r)
	case *report.DeletionNotice:
		c.deletion(r)
	case *report.Receipts:
		c.receipts(r)
	}
	return nil
}

// room reports whether the segment may have one more row. The cost of a batch depends on its rows,
// however few bytes they take.
func (c *conversion) room() bool {
	if c.rows++; c.rows <= report.MaxSegmentRows {
		return true
	}
	c.out.surplus++
	return false
}

// begin handles a header. A segment belongs to one client, so all its counts are those of the
// client in the first header. Otherwise one segment could claim to be from many clients, because
// tokens cost nothing. Samples keep the token under which they were recorded, because a notice
// deletes them by it.
func (c *conversion) begin(h *report.Header) {
	if c.header == nil {
		c.out.App, c.token, c.client = h.App, h.Client, clientOf(h.Client, c.e.Batch)
		c.out.source, c.out.consent = h.Source, h.Consent
	} else if h.Client != c.token {
		c.out.tokens++
	}
	c.header = h
	c.out.drops = append(c.out.drops, h.Drops[:min(len(h.Drops), report.MaxDrops-len(c.out.drops))]...)
	c.owner = clientOf(h.Client, c.e.Batch)
}

// clientOf shortens a client's token, which is random. Without a token, each batch is a client of
// its own.
func clientOf(token [16]byte, batch report.BatchID) uint64 {
	short := token[:8]
	if token == [16]byte{} {
		short = batch[8:] // a batch id starts with the time
	}
	return max(binary.BigEndian.Uint64(short), 1)
}

// window counts a window in the bin of its middle. Windows and bins have similar lengths, so the
// error averages out.
func (c *conversion) window(w *report.Window) error {
	middle := c.at(w.End - int64(w.Length/2))
	end := c.at(w.End)
	c.last = later(c.last, end)
	length := c.measure(w)
	weight := float64(report.FullPPM) / float64(w.SampledPPM)
	c.before = counted{w, middle, end, weight}
	c.grow(min(len(w.Counters), report.MaxSegmentRows))
	for _, k := range w.Counters {
		if strings.HasPrefix(k.Target, model.CollectorTarget) {
			return errReserved
		}
		if !c.room() {
			continue
		}
		scrubCounter(&k)
		c.count(middle, end, float64(k.Count)*weight, k.Count, model.Series{App: c.header.App, Target: k.Target, Outcome: k.Outcome, Protocol: k.Protocol,
			Status: status(k.Status), Server: k.Server, Flags: k.Flags & report.KnownFlags})
		c.out.Counts[len(c.out.Counts)-1].Length = length
	}
	return nil
}

// grow makes room for the counts of a window and for the delivery's.
func (c *conversion) grow(counts int) {
	more := counts + 1 + len(c.e.Delivery.Path)
	c.out.Counts, c.out.Rows = slices.Grow(c.out.Counts, more), slices.Grow(c.out.Rows, more)
}

// measure records how long a window is, and returns it.
func (c *conversion) measure(w *report.Window) time.Duration {
	length := time.Duration(min(w.Length, report.MaxAge)) * time.Millisecond
	c.out.windows++
	c.out.longest = max(c.out.longest, length)
	if c.usable > 0 && length > c.usable {
		c.out.longWindows++
	}
	return length
}

// count counts requests in the bin of a time, and puts them before the judge as requests of which
// the last ended at until.
func (c *conversion) count(at, until time.Time, estimated float64, raw uint64, s model.Series) {
	s.ASN, s.Country, s.Source = c.e.ASN, c.e.Country, c.header.Source
	c.out.Counts = append(c.out.Counts, model.Count{Series: s, Client: c.client, Bucket: c.e.Bucket, End: c.binEnd(at), Raw: raw, Estimated: estimated})
	c.out.Rows = append(c.out.Rows, judgement.Row{
		At: until.UnixMilli(), Arrived: c.received.UnixMilli(), App: s.App, Version: c.header.Version, OS: c.header.OS, Target: s.Target, Outcome: s.Outcome,
		Protocol: s.Protocol, Status: s.Status, Server: s.Server, Source: s.Source, ASN: s.ASN, Country: s.Country, Collector: c.e.Collector,
		Bucket: c.e.Bucket, Client: c.client, Raw: raw, Estimated: estimated,
	})
}

// status returns n if it is an HTTP status (RFC 9110, section 15), and otherwise 0, because other
// numbers would only create series.
func status(n uint16) uint16 {
	if n < 100 || n > 599 {
		return 0
	}
	return n
}

func (c *conversion) sample(s *report.Sample) {
	at := c.at(s.At)
	if at.After(c.last) {
		c.last = at
	}
	c.out.Samples = append(c.out.Samples, model.Sample{At: at, App: c.header.App, Version: c.header.Version, OS: c.header.OS, Source: c.header.Source,
		Target: origin(s.URL), URL: s.URL, Method: s.Method, Outcome: s.Outcome, Phase: s.Phase, Protocol: s.Protocol, Server: s.Server,
		Status: status(s.Status), Elapsed: time.Duration(min(s.ElapsedMS, report.MaxAge)) * time.Millisecond, TraceID: s.TraceID, Flags: s.Flags & report.KnownFlags,
		ASN: c.e.ASN, Country: c.e.Country, Client: c.owner})
}

// applicationError adds an application error as a sample. It is not a request, so it is not
// counted.
func (c *conversion) applicationError(e *report.ApplicationError) {
	at := c.at(e.At)
	if at.After(c.last) {
		c.last = at
	}
	o := e.Outcome()
	c.out.Samples = append(c.out.Samples, model.Sample{At: at, App: c.header.App, Version: c.header.Version, OS: c.header.OS, Source: c.header.Source,
		Target: origin(e.URL), URL: e.URL, Outcome: o, Phase: o.Phase(), TraceID: e.TraceID, ASN: c.e.ASN, Country: c.e.Country, Client: c.owner,
		Error: model.ApplicationError{Type: e.Type, Message: e.Message, Stack: stack(e.Frames), Fingerprint: e.Fingerprint, Count: e.Count}})
}

// stack formats frames, one per line.
func stack(frames []report.Frame) string {
	var b strings.Builder
	for i, f := range frames {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(f.Function)
		if f.File != "" {
			b.WriteString(" " + f.File + ":" + strconv.FormatUint(uint64(f.Line), 10))
		}
	}
	return b.String()
}

// probes adds the results of a vantage. Anybody can seal such a record, so only the results of
// vantages that the operator has listed are accepted.
func (c *conversion) probes(p *report.ProbeResults) {
	if !slices.Contains(c.vantages, p.Vantage) {
		c.out.strange += len(p.Results)
		return
	}
	for _, r := range probeResults(p, c.at) {
		c.last = later(c.last, r.At)
		c.out.Probes = append(c.out.Probes, r)
	}
}

func (c *conversion) deletion(n *report.DeletionNotice) {
	// an agent sends one notice
	for _, token := range n.Clients[:min(len(n.Clients), report.MaxClients-len(c.out.Deleted))] {
		c.out.Deleted = append(c.out.Deleted, clientOf(token, c.e.Batch))
	}
}

// origin returns the part of a URL before its path.
func origin(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	return scrub.Target(scheme, host)
}

// delivery counts the deliveries of the batch itself: the failed attempts and the successful one.
// Attempts have no times. They were made between the latest time in the segment and its receipt, on
// average in the middle. So if a batch waited for days because its user had no network, the
// collectors are blamed in the past, where that opens no incident.
func (c *conversion) delivery() {
	failed := c.last.Add(c.received.Sub(c.last) / 2)
	for _, a := range c.e.Delivery.Path {
		if a.Outcome != report.OK {
			c.count(failed, c.last, 1, 1, model.Series{App: model.DeliveryApp, Target: model.CollectorTarget + a.Collector, Outcome: a.Outcome})
		}
	}
	c.count(c.received, c.received, 1, 1, model.Series{App: model.DeliveryApp, Target: model.CollectorTarget + c.e.Collector, Outcome: report.OK})
}
