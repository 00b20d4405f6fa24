package wire

import (
	"bytes"
	"math"
	"strings"

	"github.com/heliograph-net/heliograph/report"
)

// example is a value of the wire format under the name of its golden file.
type example struct {
	name  string
	value any // report.Record, report.Delivery or *report.Envelope
}

var client = [16]byte{0xc1, 0x1e, 0x97, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

// examples are never changed, for the golden files hold them; more may be added.
var examples = []example{
	{"header-small", &report.Header{Source: report.SourceAgent, App: "shop", Consent: report.Counts}},
	{"header-full", &report.Header{
		Source: report.SourceBrowser, App: "Größe", Version: "4.1.0-rc.1+b7", OS: "android", Consent: report.Diagnostics, Client: client,
		Drops: []report.Drop{{Reason: report.DropExpired, Count: 3}, {Reason: report.DropOverflow, Count: 1 << 20}, {Reason: report.DropSpoolFull, Count: 1}},
	}},
	{"window-small", &report.Window{
		Length: 60000, SampledPPM: report.FullPPM,
		Counters: []report.Counter{{Target: "https://shop.example", Outcome: report.OK, Count: 1}},
	}},
	{"window-full", &report.Window{End: -1500, Length: 60000, SampledPPM: 50000, Counters: []report.Counter{
		{Target: "https://api.example:8443", Outcome: report.HTTPError, Protocol: "h2", Server: "[2001:db8::1]:8443", Status: 503, Count: 17},
		{Target: "https://api.example:8443", Outcome: report.HTTPError, Protocol: "h2", Server: "[2001:db8::1]:8443", Status: 503, Flags: report.FlagRetry, Count: 9},
		{Target: "https://api.example:8443", Outcome: report.OK, Protocol: "h2", Server: "[2001:db8::1]:8443", Status: 200, Count: 4096},
		{Target: "https://shop.example", Outcome: report.DNSNameNotResolved, Count: 2},
		{Target: "https://shop.example", Outcome: "quic.handshake.failed", Flags: report.FlagRetry | report.FlagNetworkChanged, Count: report.MaxCount},
		{Target: "https://shop.example", Outcome: report.TCPReset, Server: "192.0.2.1:443", Count: 300},
	}}},
	{"sample-small", &report.Sample{Outcome: report.Unknown, Phase: report.PhaseApplication}},
	{"sample-full", &report.Sample{
		At: -250, URL: "https://shop.example/cart/:id/pay", Method: "POST", Outcome: report.TLSCertDateInvalid, Phase: report.PhaseConnection,
		Protocol: "http/1.1", Server: "192.0.2.1:443", Status: 999, ElapsedMS: 30001, Flags: report.FlagNetworkChanged,
		TraceID: [16]byte{0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36},
	}},
	{"apperror-small", &report.ApplicationError{Kind: report.KindError, Type: "*fs.PathError", Fingerprint: client, Count: 1}},
	{"apperror-full", &report.ApplicationError{
		At: -70, Kind: report.KindPanic, Type: "runtime.boundsError", Message: "index out of range [5] with length 3", Fingerprint: client,
		Frames: []report.Frame{
			{Function: "shop.example/cart.(*Cart).Remove", File: "cart.go", Line: 117}, {Function: "main.main", File: "Größe.go", Line: report.MaxLine},
			{Function: "plugin"},
		},
		TraceID: [16]byte{15: 1}, Count: report.MaxCount,
	}},
	{"apperror-browser", &report.ApplicationError{
		At: -40, Kind: report.KindCSPViolation, Type: "script-src-elem", Message: "blocked https://cdn.example", Fingerprint: client, Count: 2,
		URL: "https://shop.example/cart/:id",
	}},
	{"notice-small", &report.DeletionNotice{Clients: [][16]byte{{15: 1}}}},
	{"notice-full", &report.DeletionNotice{Clients: clients(report.MaxClients)}},
	{"probe-small", &report.ProbeResults{
		Vantage: "fra", Targets: []report.ProbeTarget{{Name: "a", Kind: "tcp"}},
		Results: []report.ProbeResult{{Judgement: report.JudgedInconclusive, Outcome: report.Unknown}},
	}},
	{"probe-full", &report.ProbeResults{
		Vantage: "Köln-1", ASN: math.MaxUint32, Version: "0.2.0", Targets: []report.ProbeTarget{
			{Name: "api-1", Address: "[2001:db8::1]:8443", Kind: "tcp", DataCentre: "eu", Cluster: "b", Row: "7"},
			{Name: "shop", Address: "shop.example:443", Kind: "http", Region: "west", DataCentre: "eu", Cluster: "a"},
		},
		Results: []report.ProbeResult{
			{Target: 1, At: -15000, Judgement: report.JudgedUp, Outcome: report.OK, Steps: probeSteps(310, 12_000, 25_400, 70_001, 0), Family: 4, Server: "192.0.2.1:443", Protocol: "http/1.1", Status: 200},
			{Target: 0, At: -9000, Judgement: report.JudgedDown, Outcome: report.TCPTimedOut, Steps: []report.ProbeStep{{Name: "connect", Micros: report.MaxMicros}}, Family: 6, Server: "[2001:db8::1]:8443"},
			{Target: 1, At: 0, Judgement: report.JudgedUp, Outcome: report.HTTPError, Steps: probeSteps(290, 12_900, 26_000, 2_100, 40), Family: 4, Server: "192.0.2.1:443", Protocol: "http/1.1", Status: 503},
			{Target: 1, At: 1, Judgement: report.JudgedInconclusive, Outcome: report.DNSTimedOut, Steps: probeSteps(5_000_000)},
			{Target: 1, At: 2, Judgement: report.JudgedUp, Outcome: report.OK, Steps: probeSteps(311, 12_001, 25_401, 70_002, 1), Family: 4, Server: "192.0.2.2:443", Protocol: "http/1.1", Status: 200},
		},
	}},
	{"receipts-small", &report.Receipts{Batches: []report.ReceiptedBatch{{Collector: "c", Name: [16]byte{15: 1}, Frames: 1}}}},
	{"receipts-full", receipts(report.MaxReceipts)},
	{"durations-small", &report.Durations{Histograms: []report.Histogram{{{Index: 0, Count: 1}}}}},
	{"durations-full", &report.Durations{Histograms: []report.Histogram{
		{{Index: 53, Count: 2}, {Index: 54, Count: 23}, {Index: 55, Count: 24}, {Index: 57, Count: 3}, {Index: 81, Count: 1}, {Index: 160, Count: report.MaxCount}},
		nil, nil,
		{{Index: 0, Count: 300}, {Index: 1, Count: 70_000}, {Index: 159, Count: 1}},
	}}},
	{"delivery-empty", report.Delivery{}},
	{"delivery-full", report.Delivery{Age: report.MaxAge, Path: []report.Attempt{
		{Collector: "c1", Outcome: report.DNSTimedOut}, {Collector: "c2", Outcome: report.TCPRefused}, {Collector: "c1", Outcome: "receipt.invalid"},
	}}},
	{"envelope-small", &report.Envelope{
		Seq: 1, Batch: report.BatchID{15: 1}, Received: 1, Collector: "c", Country: "ZZ", Segment: []byte{0},
	}},
	{"envelope-full", &report.Envelope{
		Seq: 1 << 40, Batch: report.BatchID{0x01, 0xc9, 0xc3, 0x80, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, Received: 1_800_000_000_123,
		Collector: "collector-b", ASN: 4_200_000_001, Country: "DE",
		Delivery: report.Delivery{Age: 86_400_000, Path: []report.Attempt{{Collector: "collector-a", Outcome: report.TCPTimedOut}}},
		Segment:  bytes.Repeat([]byte("HGS\x01"), 300),
	}},
	{"envelope-bucket", &report.Envelope{
		Seq: 1, Batch: report.BatchID{15: 1}, Received: 1, Collector: "c", Country: "ZZ", Segment: []byte{0}, Bucket: report.MaxBucket,
	}},
}

// encode writes v with the function that is made for it.
func encode(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case report.Delivery:
		return report.AppendDelivery(dst, v)
	case *report.Envelope:
		return report.AppendEnvelope(dst, v)
	case report.Record:
		return report.AppendRecord(dst, v)
	default:
		return report.AppendRecord(dst, nil)
	}
}

// decodeLike reads b as what v is.
func decodeLike(v any, b []byte) (any, error) {
	switch v.(type) {
	case report.Delivery:
		return report.DecodeDelivery(b)
	case *report.Envelope:
		return report.DecodeEnvelope(b)
	default:
		return report.DecodeRecord(b)
	}
}

// Short names for the tables of values.
type (
	H = report.Header
	W = report.Window
	S = report.Sample
	E = report.Envelope
	A = report.ApplicationError
	N = report.DeletionNotice
	P = report.ProbeResults
	R = report.Receipts
	D = report.Durations
)

// header, window, sample, appError, notice, probe, receipts, durations, delivery and envelope
// return a fresh valid value for a test to spoil.
func header() *report.Header {
	return &report.Header{
		Source: report.SourceAgent, App: "shop", Version: "1.2", OS: "linux", Consent: report.Counts, Client: client,
		Drops: []report.Drop{{Reason: "expired", Count: 1}, {Reason: "overflow", Count: 2}},
	}
}

func window() *report.Window {
	return &report.Window{End: -1, Length: 1000, SampledPPM: 50000, Counters: []report.Counter{
		{Target: "https://a.example", Outcome: report.OK, Protocol: "h2", Server: "192.0.2.1:443", Status: 200, Count: 5},
		{Target: "https://b.example", Outcome: report.TCPReset, Server: "192.0.2.2:443", Count: 1},
	}}
}

func sample() *report.Sample {
	return &report.Sample{
		At: -5, URL: "https://a.example/", Method: "GET", Outcome: report.TCPReset, Phase: report.PhaseConnection, Protocol: "h2",
		Server: "192.0.2.1:443", Status: 200, ElapsedMS: 12, TraceID: client, Flags: report.FlagRetry,
	}
}

func appError() *report.ApplicationError {
	return &report.ApplicationError{
		At: -5, Kind: report.KindPanic, Type: "*errors.errorString", Message: "no stock", Fingerprint: client, TraceID: client, Count: 2,
		Frames: []report.Frame{{Function: "main.buy", File: "main.go", Line: 12}, {Function: "main.main", File: "main.go", Line: 40}},
	}
}

func notice() *report.DeletionNotice { return &report.DeletionNotice{Clients: clients(3)} }

// receipts returns n receipted batches.
func receipts(n uint64) *report.Receipts {
	r := new(report.Receipts)
	for i := range n {
		name := [16]byte{0x01, 0xc9, 0xc3, 0x80, 6: byte(i >> 8), 7: byte(i), 8: 0xa1, 15: byte(7 * i)}
		r.Batches = append(r.Batches, report.ReceiptedBatch{Collector: []string{"c1", "c2.example"}[i%2], Name: name, Frames: uint16(1 + i*i)})
	}
	if n > 1 {
		r.Batches[n-1].Frames = math.MaxUint16
	}
	return r
}

func probe() *report.ProbeResults {
	return &report.ProbeResults{
		Vantage: "fra", ASN: 64501, Version: "1.2", Targets: []report.ProbeTarget{
			{Name: "a", Address: "192.0.2.1:443", Kind: "http", DataCentre: "eu", Cluster: "c", Row: "r"}, {Name: "b", Kind: "tcp"},
		},
		Results: []report.ProbeResult{
			{Target: 1, At: -7, Judgement: report.JudgedInconclusive, Outcome: report.TCPReset, Steps: probeSteps(7)},
			{Target: 0, At: -5, Judgement: report.JudgedUp, Outcome: report.OK, Steps: probeSteps(1, 2, 3), Family: 4, Server: "192.0.2.1:443", Protocol: "h2", Status: 200},
		},
	}
}

// probeSteps are the first steps of an attempt by HTTP, with their lengths.
func probeSteps(micros ...uint64) (all []report.ProbeStep) {
	for i, name := range []string{"dns", "connect", "tls", "first_byte", "body"}[:len(micros)] {
		all = append(all, report.ProbeStep{Name: name, Micros: micros[i]})
	}
	return all
}

// clients returns n tokens in order.
func clients(n uint64) (all [][16]byte) {
	for i := range n {
		token := client
		token[0] = byte(i)
		all = append(all, token)
	}
	return all
}

func durations() *report.Durations {
	return &report.Durations{Histograms: []report.Histogram{nil, {{Index: 3, Count: 1}, {Index: 4, Count: 2}, {Index: 90, Count: 3}}}}
}

func delivery() report.Delivery {
	return report.Delivery{Age: 5, Path: []report.Attempt{{Collector: "c1", Outcome: report.TCPReset}, {Collector: "c2", Outcome: report.TLSFailed}}}
}

func envelope() *report.Envelope {
	return &report.Envelope{
		Seq: 7, Batch: report.BatchID(client), Received: 1_800_000_000_000, Collector: "c3", ASN: 64501, Country: "FR", Delivery: delivery(),
		Segment: []byte("HGS"),
	}
}

func long(n uint64) string { return strings.Repeat("x", int(n)) }
