package wire

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// limits are every limit by name: the value at max is taken by both sides, the one above
// refused by both.
var limits = []struct {
	name string
	max  uint64
	make func(n uint64) any
}{
	{"MaxString of a header's app", report.MaxString, func(n uint64) any { return with(header(), func(h *H) { h.App = long(n) }) }},
	{"MaxString of a header's version", report.MaxString, func(n uint64) any { return with(header(), func(h *H) { h.Version = long(n) }) }},
	{"MaxString of a header's os", report.MaxString, func(n uint64) any { return with(header(), func(h *H) { h.OS = long(n) }) }},
	{"MaxDrops", report.MaxDrops, func(n uint64) any { return with(header(), func(h *H) { h.Drops = drops(n) }) }},
	{"MaxOutcome of a drop's reason", report.MaxOutcome, func(n uint64) any { return with(header(), func(h *H) { h.Drops[1].Reason = long(n) }) }},
	{"MaxCount of a drop", report.MaxCount, func(n uint64) any { return with(header(), func(h *H) { h.Drops[0].Count = n }) }},

	{"MaxAge of a window's end", report.MaxAge, func(n uint64) any { return with(window(), func(w *W) { w.End = int64(n) }) }},
	{"MaxAge of a window's end before birth", report.MaxAge, func(n uint64) any { return with(window(), func(w *W) { w.End = -int64(n) }) }},
	{"MaxAge of a window's length", report.MaxAge, func(n uint64) any { return with(window(), func(w *W) { w.Length = n }) }},
	{"FullPPM", report.FullPPM, func(n uint64) any { return with(window(), func(w *W) { w.SampledPPM = uint32(n) }) }},
	{"MaxString of a counter's target", report.MaxString, func(n uint64) any { return with(window(), func(w *W) { w.Counters[1].Target = long(n) }) }},
	{"MaxOutcome of a counter's outcome", report.MaxOutcome, func(n uint64) any {
		return with(window(), func(w *W) { w.Counters[0].Outcome = report.Outcome(long(n)) })
	}},
	{"MaxString of a counter's protocol", report.MaxString, func(n uint64) any { return with(window(), func(w *W) { w.Counters[0].Protocol = long(n) }) }},
	{"MaxString of a counter's server", report.MaxString, func(n uint64) any { return with(window(), func(w *W) { w.Counters[0].Server = long(n) }) }},
	{"MaxStatus of a counter", report.MaxStatus, func(n uint64) any { return with(window(), func(w *W) { w.Counters[0].Status = uint16(n) }) }},
	{"MaxCount of a counter", report.MaxCount, func(n uint64) any { return with(window(), func(w *W) { w.Counters[0].Count = n }) }},

	{"MaxAge of a sample's at", report.MaxAge, func(n uint64) any { return with(sample(), func(s *S) { s.At = int64(n) }) }},
	{"MaxAge of a sample's at before birth", report.MaxAge, func(n uint64) any { return with(sample(), func(s *S) { s.At = -int64(n) }) }},
	{"MaxURL", report.MaxURL, func(n uint64) any { return with(sample(), func(s *S) { s.URL = long(n) }) }},
	{"MaxString of a sample's method", report.MaxString, func(n uint64) any { return with(sample(), func(s *S) { s.Method = long(n) }) }},
	{"MaxOutcome of a sample's outcome", report.MaxOutcome, func(n uint64) any {
		return with(sample(), func(s *S) { s.Outcome = report.Outcome(long(n)) })
	}},
	{"MaxString of a sample's protocol", report.MaxString, func(n uint64) any { return with(sample(), func(s *S) { s.Protocol = long(n) }) }},
	{"MaxString of a sample's server", report.MaxString, func(n uint64) any { return with(sample(), func(s *S) { s.Server = long(n) }) }},
	{"MaxStatus of a sample", report.MaxStatus, func(n uint64) any { return with(sample(), func(s *S) { s.Status = uint16(n) }) }},
	{"MaxAge of a sample's elapsed", report.MaxAge, func(n uint64) any { return with(sample(), func(s *S) { s.ElapsedMS = n }) }},

	{"MaxAge of an error's at", report.MaxAge, func(n uint64) any { return with(appError(), func(e *A) { e.At = int64(n) }) }},
	{"MaxAge of an error's at before birth", report.MaxAge, func(n uint64) any { return with(appError(), func(e *A) { e.At = -int64(n) }) }},
	{"kind of an error", uint64(report.KindCSPViolation), func(n uint64) any { return with(appError(), func(e *A) { e.Kind = report.ErrorKind(n) }) }},
	{"MaxString of an error's type", report.MaxString, func(n uint64) any { return with(appError(), func(e *A) { e.Type = long(n) }) }},
	{"MaxMessage", report.MaxMessage, func(n uint64) any { return with(appError(), func(e *A) { e.Message = long(n) }) }},
	{"MaxFrames", report.MaxFrames, func(n uint64) any {
		return with(appError(), func(e *A) { e.Frames = slices.Repeat(e.Frames[:1], int(n)) })
	}},
	{"MaxString of a frame's function", report.MaxString, func(n uint64) any { return with(appError(), func(e *A) { e.Frames[1].Function = long(n) }) }},
	{"MaxString of a frame's file", report.MaxString, func(n uint64) any { return with(appError(), func(e *A) { e.Frames[1].File = long(n) }) }},
	{"MaxLine", report.MaxLine, func(n uint64) any { return with(appError(), func(e *A) { e.Frames[1].Line = uint32(n) }) }},
	{"MaxURL of an error's page", report.MaxURL, func(n uint64) any { return with(appError(), func(e *A) { e.URL = long(n) }) }},
	{"MaxCount of an error", report.MaxCount, func(n uint64) any { return with(appError(), func(e *A) { e.Count = n }) }},

	{"MaxClients", report.MaxClients, func(n uint64) any { return &report.DeletionNotice{Clients: clients(n)} }},

	{"MaxReceipts", report.MaxReceipts, func(n uint64) any { return receipts(n) }},
	{"MaxString of a receipt's collector", report.MaxString, func(n uint64) any { return with(receipts(2), func(r *R) { r.Batches[1].Collector = long(n) }) }},

	{"MaxString of a vantage", report.MaxString, func(n uint64) any { return with(probe(), func(p *P) { p.Vantage = long(n) }) }},
	{"MaxString of a prober's version", report.MaxString, func(n uint64) any { return with(probe(), func(p *P) { p.Version = long(n) }) }},
	{"MaxString of a probed target's name", report.MaxString, func(n uint64) any { return with(probe(), func(p *P) { p.Targets[1].Name = long(n) }) }},
	{"MaxString of a probed target's address", report.MaxString, func(n uint64) any { return with(probe(), func(p *P) { p.Targets[1].Address = long(n) }) }},
	{"MaxString of a probed target's kind", report.MaxString, func(n uint64) any { return with(probe(), func(p *P) { p.Targets[1].Kind = long(n) }) }},
	{"MaxString of a region", report.MaxString, func(n uint64) any { return with(probe(), func(p *P) { p.Targets[1].Region = long(n) }) }},
	{"MaxString of a data centre", report.MaxString, func(n uint64) any { return with(probe(), func(p *P) { p.Targets[1].DataCentre = long(n) }) }},
	{"MaxString of a cluster", report.MaxString, func(n uint64) any { return with(probe(), func(p *P) { p.Targets[1].Cluster = long(n) }) }},
	{"MaxString of a row", report.MaxString, func(n uint64) any { return with(probe(), func(p *P) { p.Targets[1].Row = long(n) }) }},
	{"MaxAge of a result's at", report.MaxAge, func(n uint64) any { return with(probe(), func(p *P) { p.Results[1].At = int64(n) }) }},
	{"MaxAge of a result's at before birth", report.MaxAge, func(n uint64) any { return with(probe(), func(p *P) { p.Results[1].At = -int64(n) }) }},
	{"judgement of a result", uint64(report.JudgedMaintenance), func(n uint64) any { return with(probe(), func(p *P) { p.Results[1].Judgement = report.Judgement(n) }) }},
	{"MaxOutcome of a result's outcome", report.MaxOutcome, func(n uint64) any {
		return with(probe(), func(p *P) { p.Results[1].Outcome = report.Outcome(long(n)) })
	}},
	{"MaxProbeSteps", report.MaxProbeSteps, func(n uint64) any {
		return with(probe(), func(p *P) { p.Results[1].Steps = slices.Repeat(p.Results[1].Steps[:1], int(n)) })
	}},
	{"MaxString of a step's name", report.MaxString, func(n uint64) any { return with(probe(), func(p *P) { p.Results[1].Steps[0].Name = long(n) }) }},
	{"MaxMicros", report.MaxMicros, func(n uint64) any { return with(probe(), func(p *P) { p.Results[1].Steps[0].Micros = n }) }},
	{"family of a result", 6, func(n uint64) any { return with(probe(), func(p *P) { p.Results[1].Family = uint8(n) }) }},
	{"MaxString of a result's server", report.MaxString, func(n uint64) any { return with(probe(), func(p *P) { p.Results[1].Server = long(n) }) }},
	{"MaxString of a result's protocol", report.MaxString, func(n uint64) any { return with(probe(), func(p *P) { p.Results[1].Protocol = long(n) }) }},
	{"MaxStatus of a result", report.MaxStatus, func(n uint64) any { return with(probe(), func(p *P) { p.Results[1].Status = uint16(n) }) }},

	{"histograms of durations", report.MaxCounters, func(n uint64) any {
		return &report.Durations{Histograms: slices.Repeat([]report.Histogram{{{Count: 1}}}, int(n))}
	}},
	{"HistogramBuckets", report.HistogramBuckets - 1, func(n uint64) any { return with(durations(), func(d *D) { d.Histograms[1][2].Index = uint8(n) }) }},
	{"MaxCount of a bucket", report.MaxCount, func(n uint64) any { return with(durations(), func(d *D) { d.Histograms[1][1].Count = n }) }},

	{"MaxAge of a delivery", report.MaxAge, func(n uint64) any { return report.Delivery{Age: n} }},
	{"MaxPath", report.MaxPath, func(n uint64) any { return report.Delivery{Path: path(n, 1, 1)} }},
	{"MaxString of a collector in a path", report.MaxString, func(n uint64) any { return report.Delivery{Path: path(1, n, 1)} }},
	{"MaxOutcome of an outcome in a path", report.MaxOutcome, func(n uint64) any { return report.Delivery{Path: path(1, 1, n)} }},

	{"envelope's seq", math.MaxInt64, func(n uint64) any { return with(envelope(), func(e *E) { e.Seq = n }) }},
	{"MaxString of an envelope's collector", report.MaxString, func(n uint64) any { return with(envelope(), func(e *E) { e.Collector = long(n) }) }},
	{"MaxSegment", report.MaxSegment, func(n uint64) any { return with(envelope(), func(e *E) { e.Segment = make([]byte, n) }) }},
	{"MaxBucket", report.MaxBucket, func(n uint64) any { return with(envelope(), func(e *E) { e.Bucket = report.Bucket(n) }) }},
	{"MaxPath of an envelope", report.MaxPath, func(n uint64) any {
		return with(envelope(), func(e *E) { e.Delivery.Path = path(n, 1, 1) })
	}},
}

func drops(n uint64) (all []report.Drop) {
	for i := range n {
		all = append(all, report.Drop{Reason: strings.Repeat("a", int(i)+1), Count: 1})
	}
	return all
}

func path(n, collector, outcome uint64) (all []report.Attempt) {
	for range n {
		all = append(all, report.Attempt{Collector: long(collector), Outcome: report.Outcome(long(outcome))})
	}
	return all
}

func TestLimits(t *testing.T) {
	for _, l := range limits {
		t.Run(l.name, func(t *testing.T) {
			at := l.make(l.max)
			b, err := encode(nil, at)
			if err != nil {
				t.Fatalf("encode at the limit: %v", err)
			}
			if got, err := decodeLike(at, b); err != nil || !reflect.DeepEqual(got, at) {
				t.Fatalf("decode at the limit: %v", err)
			}
			above := l.make(l.max + 1)
			if _, err := encode(nil, above); !errors.Is(err, report.ErrMalformed) {
				t.Errorf("encode above the limit: %v", err)
			}
			if _, err := decodeLike(above, oracleEncode(above)); !errors.Is(err, report.ErrMalformed) {
				t.Errorf("decode above the limit: %v", err)
			}
		})
	}
}

// counters returns n counters whose targets are n different texts of size bytes.
func counters(n, size int) (all []report.Counter) {
	for i := range n {
		digits := strconv.Itoa(1_000_000 + i)
		all = append(all, report.Counter{Target: digits + strings.Repeat("x", size-len(digits)), Outcome: report.OK, Count: 1})
	}
	return all
}

func TestMaxCounters(t *testing.T) {
	at := &report.Window{Length: 1, SampledPPM: 1, Counters: counters(report.MaxCounters, 7)}
	b, err := report.AppendRecord(nil, at)
	if err != nil {
		t.Fatalf("encode at the limit: %v", err)
	}
	if got, err := report.DecodeRecord(b); err != nil || !reflect.DeepEqual(got, at) {
		t.Fatalf("decode at the limit: %v", err)
	}
	above := &report.Window{Length: 1, SampledPPM: 1, Counters: counters(report.MaxCounters+1, 7)}
	if _, err := report.AppendRecord(nil, above); !errors.Is(err, report.ErrTooLarge) {
		t.Errorf("encode above the limit: %v", err)
	}
	if _, err := report.DecodeRecord(oracleEncode(above)); !errors.Is(err, report.ErrMalformed) || !strings.Contains(err.Error(), "array too long") {
		t.Errorf("decode above the limit: %v", err)
	}
}

func TestMaxRecord(t *testing.T) {
	fits := &report.Window{Length: 1, SampledPPM: 1}
	room := report.MaxRecord
	for room > 200 {
		fits.Counters = counters(len(fits.Counters)+1, 100)
		room = report.MaxRecord - len(oracleEncode(fits))
	}
	// 2 for its head, 2 for its index, which is longer than that of ""
	fits.Counters[0].Server = long(uint64(room - 4))
	b, err := report.AppendRecord(nil, fits)
	if err != nil || len(b) != report.MaxRecord {
		t.Fatalf("a record of %d bytes: %v", len(b), err)
	}
	if _, err := report.DecodeRecord(b); err != nil {
		t.Errorf("decode at the limit: %v", err)
	}
	fits.Counters[0].Server += "x"
	if _, err := report.AppendRecord(nil, fits); !errors.Is(err, report.ErrTooLarge) || errors.Is(err, report.ErrMalformed) {
		t.Errorf("encode above the limit: %v", err)
	}
	if _, err := report.DecodeRecord(oracleEncode(fits)); !errors.Is(err, report.ErrMalformed) || !strings.Contains(err.Error(), "longer than MaxRecord") {
		t.Errorf("decode above the limit: %v", err)
	}
}

// The longest delivery and envelope stay below the limits that readers give their length.
func TestMaxDeliveryAndMaxEnvelope(t *testing.T) {
	d := report.Delivery{Age: report.MaxAge, Path: path(report.MaxPath, report.MaxString, report.MaxOutcome)}
	b, err := report.AppendDelivery(nil, d)
	if err != nil || len(b) > report.MaxDelivery {
		t.Errorf("delivery of %d bytes: %v", len(b), err)
	}
	e := &report.Envelope{
		Seq: math.MaxInt64, Batch: report.BatchID(client), Received: math.MaxInt64, Collector: long(report.MaxString), ASN: math.MaxUint32,
		Country: "ZZ", Delivery: d, Segment: make([]byte, report.MaxSegment),
	}
	b, err = report.AppendEnvelope(nil, e)
	if err != nil || len(b) > report.MaxEnvelope {
		t.Errorf("envelope of %d bytes: %v", len(b), err)
	}
	for _, err := range []error{
		second(report.DecodeDelivery(make([]byte, report.MaxDelivery+1))), second(report.DecodeEnvelope(make([]byte, report.MaxEnvelope+1))),
	} {
		if !errors.Is(err, report.ErrMalformed) || !strings.Contains(err.Error(), "longer than Max") {
			t.Errorf("above the limit: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// A few bytes that announce much cost little memory.
func TestDecodersAllocateByTheirInput(t *testing.T) {
	for name, b := range map[string][]byte{
		"strings":  append([]byte{0x82, 2, 0xa1, 4, 0x99, 0x20, 0}, make([]byte, 64)...),
		"counters": append([]byte{0x82, 2, 0xa1, 5, 0x99, 8, 0}, make([]byte, 64)...),
		"frames":   {0x82, 4, 0xa1, 6, 0x98, 32},
		"clients":  {0x82, 5, 0xa1, 1, 0x98, 32},
		"drops":    {0x82, 1, 0xa1, 7, 0x98, 32},
		"targets":  append([]byte{0x82, 6, 0xa1, 5, 0x99, 4, 0}, make([]byte, 64)...),
		"shapes":   append([]byte{0x82, 6, 0xa1, 6, 0x99, 16, 0}, make([]byte, 64)...),
		"results":  append([]byte{0x82, 6, 0xa1, 7, 0x99, 16, 0}, make([]byte, 64)...),
	} {
		if got := testing.AllocsPerRun(100, func() { _, _ = report.DecodeRecord(b) }); got > 8 {
			t.Errorf("%s: %v allocations", name, got)
		}
		if _, err := report.DecodeRecord(b); err == nil || !strings.Contains(err.Error(), "longer than the input") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
