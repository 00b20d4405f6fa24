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

// opener turns envelopes into batches. It is used by one goroutine.
type opener struct {
	keys     *seal.Keyring
	bin      time.Duration
	maxAge   time.Duration
	vantages []string      // that are believed
	usable   time.Duration // the longest window that can be judged in time; 0: any
}

// opened is a batch and what was noticed on the way.
type opened struct {
	Batch
	sealed  *report.Envelope
	unknown int           // records of kinds that this build does not know
	strange int           // results of probes from vantages that are not believed
	surplus int           // rows beyond report.MaxSegmentRows, which are left out
	tokens  int           // headers that name another client than the first
	drops   []report.Drop // that the client tells of

	windows, longWindows int           // how many, and how many too long to be judged in time
	longest              time.Duration // window
}

// open opens and decodes a batch. The reason is set when err is.
func (o *opener) open(e *report.Envelope, now time.Time) (b *opened, reason string, err error) {
	info, records, err := o.keys.Open(e.Segment)
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
	for _, r := range records {
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

// conversion is one batch on its way. The collector's clock decides: the client tells ages only.
type conversion struct {
	*opener
	e        *report.Envelope
	received time.Time
	birth    time.Time // of the segment
	last     time.Time // the last moment that the segment tells of
	header   *report.Header
	token    [16]byte // of the first header
	client   uint64   // whom counts are of
	owner    uint64   // whose samples are deleted by a notice
	rows     int      // that the segment told so far
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

// at is the time of an event so many milliseconds after the segment's birth, not before MaxAge and
// not in the future.
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

// binEnd is the end of the bin that t falls into.
func (o *opener) binEnd(t time.Time) time.Time {
	width := o.bin.Milliseconds()
	return time.UnixMilli(t.UnixMilli()/width*width + width)
}

func (c *conversion) record(b []byte) error {
	r, err := report.DecodeRecord(b)
	if errors.Is(err, report.ErrUnknownRecord) {
		c.out.unknown++
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
	switch r := r.(type) {
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

// room reports whether the segment may tell one more row. Rows are what a batch costs, however few
// bytes they take.
func (c *conversion) room() bool {
	if c.rows++; c.rows <= report.MaxSegmentRows {
		return true
	}
	c.out.surplus++
	return false
}

// begin takes a header. A segment is one client's: its counts are those of the client that the
// first header names, whatever others say, for tokens cost nothing. Samples keep the token that
// they were recorded under, because a notice deletes them by it.
func (c *conversion) begin(h *report.Header) {
	if c.header == nil {
		c.out.App, c.token, c.client = h.App, h.Client, clientOf(h.Client, c.e.Batch)
	} else if h.Client != c.token {
		c.out.tokens++
	}
	c.header = h
	c.out.drops = append(c.out.drops, h.Drops[:min(len(h.Drops), report.MaxDrops-len(c.out.drops))]...)
	c.owner = clientOf(h.Client, c.e.Batch)
}

// clientOf makes a client's token, which is random, shorter. Who does not tell one is a client for
// one batch.
func clientOf(token [16]byte, batch report.BatchID) uint64 {
	short := token[:8]
	if token == [16]byte{} {
		short = batch[8:] // a batch id starts with the time
	}
	return max(binary.BigEndian.Uint64(short), 1)
}

// window counts in the bin of the window's middle. Windows and bins are of like length, so that the
// error averages out.
func (c *conversion) window(w *report.Window) error {
	middle := c.at(w.End - int64(w.Length/2))
	end := c.at(w.End)
	c.last = later(c.last, end)
	c.measure(w)
	weight := float64(report.FullPPM) / float64(w.SampledPPM)
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
	}
	return nil
}

// measure notes how long a window is.
func (c *conversion) measure(w *report.Window) {
	length := time.Duration(min(w.Length, report.MaxAge)) * time.Millisecond
	c.out.windows++
	c.out.longest = max(c.out.longest, length)
	if c.usable > 0 && length > c.usable {
		c.out.longWindows++
	}
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

// status returns the status if it is one of HTTP's (RFC 9110, section 15), and 0 if not: every
// other number would only make series.
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

// applicationError becomes a sample. It is no request: it counts nowhere and raises nothing.
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

// stack writes frames a line each.
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

// probes takes what a vantage found. Anybody can seal such a record, so that only the results of
// vantages are taken that the operator has named.
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

// origin is what a URL has before its path.
func origin(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	return scrub.Target(scheme, host)
}

// delivery counts the batch's own way: the collectors that did not take it and the one that did.
// The attempts carry no time; they lie between the last moment that the segment tells of and its
// receipt, and in the middle on average. A batch that waited for days for its user's network to
// come back thus blames the collectors in the past, where it raises nothing.
func (c *conversion) delivery() {
	failed := c.last.Add(c.received.Sub(c.last) / 2)
	for _, a := range c.e.Delivery.Path {
		if a.Outcome != report.OK {
			c.count(failed, c.last, 1, 1, model.Series{App: model.DeliveryApp, Target: model.CollectorTarget + a.Collector, Outcome: a.Outcome})
		}
	}
	c.count(c.received, c.received, 1, 1, model.Series{App: model.DeliveryApp, Target: model.CollectorTarget + c.e.Collector, Outcome: report.OK})
}
