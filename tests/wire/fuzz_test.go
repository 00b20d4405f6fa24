package wire

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// seeds are the golden files and every refused encoding of the kind of like.
func seeds(tb testing.TB, like any) (all [][]byte) {
	golden := goldenFiles(tb)
	for _, e := range examples {
		if sameKind(e.value, like) {
			all = append(all, golden[e.name])
		}
	}
	for _, e := range badValues {
		if sameKind(e.value, like) {
			all = append(all, oracleEncode(e.value))
		}
	}
	for _, e := range badEncodings {
		if sameKind(e.like, like) {
			all = append(all, oracleEncode(e.value))
		}
	}
	return all
}

func sameKind(a, b any) bool {
	return isRecord(a) && isRecord(b) || reflect.TypeOf(a) == reflect.TypeOf(b)
}

func isRecord(v any) bool {
	_, ok := v.(report.Record)
	return ok || v == nil
}

func TestSeedsAreThere(t *testing.T) {
	for _, like := range []any{nil, report.Delivery{}, &report.Envelope{}} {
		accepted := 0
		for _, b := range seeds(t, like) {
			if len(b) == 0 {
				t.Errorf("an empty seed for %T", like)
			}
			if _, err := decodeLike(like, b); err == nil {
				accepted++
			}
		}
		if n := len(seeds(t, like)); accepted < 2 || n-accepted < 5 {
			t.Errorf("%T: %d seeds, %d of them accepted: the fuzz target would start from nothing", like, n, accepted)
		}
	}
}

// checkDecoder holds a decoder to its contract for any input: what decodes encodes to the same
// bytes, the library reads the same value from them and writes the same bytes, and nothing is
// refused that the encoder could have written. If there are optional fields, this is true of what
// is left without them.
func checkDecoder(t *testing.T, like any, b []byte) {
	v, err := decodeLike(like, b)
	if err == nil {
		if !oracleCanonical(b) {
			t.Fatalf("%x is no canonical CBOR to the library", b)
		}
		b = withoutOptional(b)
	}
	other := oracleDecode(like, b)
	switch {
	case err == nil:
		if again, err := encode(nil, v); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x decodes but encodes to %x (%v)", b, again, err)
		}
		if !reflect.DeepEqual(other, v) {
			t.Fatalf("the library reads %+v, we read %+v", other, v)
		}
		if again := oracleEncode(v); !bytes.Equal(again, b) || !oracleCanonical(b) {
			t.Fatalf("the library writes %x for %x", again, b)
		}
	case errors.Is(err, report.ErrUnknownRecord):
		if !oracleCanonical(b) {
			t.Fatalf("%x is no canonical CBOR to the library", b)
		}
	case errors.Is(err, report.ErrMalformed):
		if other == nil {
			return
		}
		if again, errEncode := encode(nil, other); errEncode == nil && bytes.Equal(again, b) {
			t.Fatalf("%x is refused (%v) but is what we write for %+v", b, err, other)
		}
	default:
		t.Fatalf("an error without a sentinel: %v", err)
	}
}

func FuzzDecodeRecord(f *testing.F) {
	for _, b := range seeds(f, nil) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkDecoder(t, nil, b) })
}

func FuzzDecodeDelivery(f *testing.F) {
	for _, b := range seeds(f, report.Delivery{}) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkDecoder(t, report.Delivery{}, b) })
}

func FuzzDecodeEnvelope(f *testing.F) {
	for _, b := range seeds(f, &report.Envelope{}) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkDecoder(t, &report.Envelope{}, b) })
}

// Values made at random, most of them valid, come back as they were and are to the library what
// they are to us.
func FuzzEncode(f *testing.F) {
	for kind := range byte(kinds) {
		for seed := range uint64(8) {
			f.Add(kind, seed)
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, seed uint64) {
		v := maker{rand.New(rand.NewPCG(seed, 0))}.value(kind)
		b, err := encode(nil, v)
		if err != nil {
			if !errors.Is(err, report.ErrMalformed) {
				t.Fatalf("an error without a sentinel: %v", err)
			}
			if _, err := decodeLike(v, oracleEncode(v)); err == nil {
				t.Fatalf("%+v is refused by the encoder alone", v)
			}
			return
		}
		if got, err := decodeLike(v, b); err != nil || !reflect.DeepEqual(got, v) {
			t.Fatalf("came back as %+v (%v), was %+v", got, err, v)
		}
		if other := oracleEncode(v); !bytes.Equal(other, b) {
			t.Fatalf("the library writes %x, we write %x", other, b)
		}
	})
}

// maker makes values from a seed.
type maker struct{ *rand.Rand }

const kinds = 10

func (r maker) value(kind byte) any {
	switch kind % kinds {
	case 0:
		return r.header()
	case 1:
		return r.window()
	case 2:
		return r.sample()
	case 3:
		return r.delivery()
	case 4:
		return r.appError()
	case 5:
		return &report.DeletionNotice{Clients: clients(r.Uint64N(report.MaxClients + 2))}
	case 6:
		return r.probe()
	case 7:
		v := receipts(r.Uint64N(report.MaxReceipts + 2))
		for i := range v.Batches {
			v.Batches[i].Collector, v.Batches[i].Frames = r.text(), uint16(r.number())
		}
		return v
	case 8:
		return r.durations()
	default:
		return &report.Envelope{
			Seq: r.number(), Batch: report.BatchID(r.bytes16()), Received: int64(r.number()), Collector: r.text(), ASN: uint32(r.number()),
			Country: r.pick("DE", "ZZ", "D", ""), Delivery: r.delivery(), Segment: []byte(r.text()), Bucket: report.Bucket(r.Uint64N(2 * report.MaxBucket)),
		}
	}
}

func (r maker) header() *report.Header {
	h := &report.Header{
		Source: report.Source(1 + r.IntN(2)), App: r.text(), Version: r.text(), OS: r.pick("", "linux"), Consent: report.Consent(1 + r.IntN(2)),
		Client: r.bytes16(),
	}
	for _, reason := range []string{report.DropCorrupt, report.DropExpired, report.DropOverflow, report.DropSpoolFull} {
		if r.IntN(2) == 0 {
			h.Drops = append(h.Drops, report.Drop{Reason: reason, Count: r.number()})
		}
	}
	return h
}

func (r maker) window() *report.Window {
	w := &report.Window{End: r.signed(), Length: 1 + r.number(), SampledPPM: uint32(1 + r.IntN(report.FullPPM))}
	for range 1 + r.IntN(40) {
		w.Counters = append(w.Counters, report.Counter{
			Target: "https://" + r.text(), Outcome: r.outcome(), Protocol: r.pick("", "h2", "h3", "http/1.1"), Server: r.text(),
			Status: uint16(r.IntN(1001)), Flags: report.Flags(r.IntN(4)), Count: 1 + r.number(),
		})
	}
	slices.SortFunc(w.Counters, report.Counter.Compare)
	w.Counters = slices.CompactFunc(w.Counters, func(a, b report.Counter) bool { return a.Compare(b) == 0 })
	return w
}

func (r maker) sample() *report.Sample {
	o := r.outcome()
	return &report.Sample{
		At: r.signed(), URL: r.text(), Method: r.pick("", "GET", "M-SEARCH"), Outcome: o, Phase: o.Phase(), Protocol: r.text(), Server: r.text(),
		Status: uint16(r.IntN(1001)), ElapsedMS: r.number(), TraceID: r.bytes16(), Flags: report.Flags(r.IntN(256)),
	}
}

func (r maker) appError() *report.ApplicationError {
	e := &report.ApplicationError{
		At: r.signed(), Kind: report.ErrorKind(1 + r.IntN(7)), Type: r.text(), Message: r.text(), Fingerprint: r.bytes16(), TraceID: r.bytes16(),
		Count: 1 + r.number(), URL: r.text(),
	}
	for range r.IntN(5) {
		e.Frames = append(e.Frames, report.Frame{Function: r.text(), File: r.pick("", "main.go", "a/b.go"), Line: uint32(r.number())})
	}
	return e
}

func (r maker) probe() *report.ProbeResults {
	p := &report.ProbeResults{Vantage: r.text(), ASN: uint32(r.number()), Version: r.text()}
	for i := range 1 + r.IntN(4) {
		p.Targets = append(p.Targets, report.ProbeTarget{
			Name: string(rune('a'+i)) + r.pick("", "Größe"), Address: r.text(), Kind: r.pick("http", "tcp", "new"), Region: r.text(), DataCentre: r.pick("", "eu"), Cluster: r.text(),
			Row: r.pick("", "1", "2"),
		})
	}
	for i := range len(p.Targets) + r.IntN(10) {
		p.Results = append(p.Results, report.ProbeResult{
			Target: i % (len(p.Targets) + r.IntN(2)), At: r.signed(), Judgement: report.Judgement(1 + r.IntN(4)), Outcome: r.outcome(),
			Steps: probeSteps(make([]uint64, r.IntN(6))...), Family: uint8(2 * r.IntN(4)), Server: r.text(), Protocol: r.pick("", "h2"), Status: uint16(r.IntN(1001)),
		})
		for j := range p.Results[i].Steps {
			p.Results[i].Steps[j].Micros = r.number()
		}
	}
	return p
}

func (r maker) durations() *report.Durations {
	d := new(report.Durations)
	for range r.IntN(4) {
		var h report.Histogram
		for i := r.IntN(100); i < 170 && r.IntN(20) > 0; i += 1 + r.IntN(2)*r.IntN(40) {
			h = append(h, report.HistogramBucket{Index: uint8(i), Count: r.number()})
		}
		d.Histograms = append(d.Histograms, h)
	}
	return d
}

func (r maker) delivery() report.Delivery {
	d := report.Delivery{Age: r.number()}
	for range r.IntN(4) {
		d.Path = append(d.Path, report.Attempt{Collector: r.text(), Outcome: r.outcome()})
	}
	return d
}

func (r maker) pick(from ...string) string { return from[r.IntN(len(from))] }

func (r maker) text() string {
	return r.pick("", "a", "b", "shop.example", "192.0.2.1:443", "Größe", "\xff", long(23), long(24), long(255), long(256), long(257))
}

func (r maker) outcome() report.Outcome {
	return report.Outcome(r.pick("ok", "tcp.reset", "dns.failed", "tls.cert.invalid", "http.error", "new.thing", "", "bad."))
}

// number is of any size, zero often.
func (r maker) number() uint64 { return r.Uint64N(8) * (r.Uint64() >> (r.IntN(40) + 24)) }

func (r maker) signed() int64 { return int64(r.Uint64N(2*report.MaxAge+3)) - report.MaxAge - 1 }

func (r maker) bytes16() (b [16]byte) {
	if r.IntN(4) > 0 {
		for i := range b {
			b[i] = byte(r.Uint32())
		}
	}
	return b
}
