package wire

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// badValues break one rule each. The encoder names it, and the decoder refuses what the library
// encodes for the same value.
var badValues = []struct {
	name   string
	value  any
	reason string // of the encoder
}{
	{"header source zero", with(header(), func(h *H) { h.Source = 0 }), "header: source is unknown"},
	{"header source unknown", with(header(), func(h *H) { h.Source = 4 }), "header: source is unknown"},
	{"header app empty", with(header(), func(h *H) { h.App = "" }), "header: app is empty"},
	{"header app not utf-8", with(header(), func(h *H) { h.App = "\xff" }), "header: app is not valid utf-8"},
	{"header version not utf-8", with(header(), func(h *H) { h.Version = "\xff" }), "header: version is not valid utf-8"},
	{"header os not utf-8", with(header(), func(h *H) { h.OS = "\xff" }), "header: os is not valid utf-8"},
	{"header consent off", with(header(), func(h *H) { h.Consent = report.Off }), "header: consent is off or unknown"},
	{"header consent unknown", with(header(), func(h *H) { h.Consent = 3 }), "header: consent is off or unknown"},
	{"header drops unsorted", with(header(), func(h *H) { h.Drops[0].Reason = "z" }), "header: drops are not sorted, or name a reason twice"},
	{"header drop twice", with(header(), func(h *H) { h.Drops[1].Reason = "expired" }), "header: drops are not sorted, or name a reason twice"},
	{"header drop without reason", with(header(), func(h *H) { h.Drops[0].Reason = "" }), "header: drop reason is not 1 to MaxOutcome bytes of [a-z_]"},
	{"header drop reason with a space", with(header(), func(h *H) { h.Drops[0].Reason = "a b" }), "header: drop reason is not 1 to MaxOutcome bytes of [a-z_]"},
	{"header drop count zero", with(header(), func(h *H) { h.Drops[0].Count = 0 }), "header: drop count is zero or above MaxCount"},

	{"window length zero", with(window(), func(w *W) { w.Length = 0 }), "window: length is zero or above MaxAge"},
	{"window sampled zero", with(window(), func(w *W) { w.SampledPPM = 0 }), "window: sampled is not 1 to FullPPM"},
	{"window without counters", with(window(), func(w *W) { w.Counters = nil }), "window: no counters"},
	{"window counters unsorted", with(window(), func(w *W) { w.Counters[0].Target = "z" }), "window: counter 1: not sorted, or its key is there twice"},
	{"window counter twice", with(window(), func(w *W) { w.Counters[1] = w.Counters[0] }), "window: counter 1: not sorted, or its key is there twice"},
	{"window counter twice with another count", with(window(), func(w *W) { w.Counters[1] = w.Counters[0]; w.Counters[1].Count++ }),
		"window: counter 1: not sorted, or its key is there twice"},
	{"counter target empty", with(window(), func(w *W) { w.Counters[0].Target = "" }), "window: counter 0: target is empty"},
	{"counter target not utf-8", with(window(), func(w *W) { w.Counters[1].Target = "x\xff" }), "window: counter 1: target is not valid utf-8"},
	{"counter outcome empty", with(window(), func(w *W) { w.Counters[0].Outcome = "" }), "window: counter 0: outcome is not valid"},
	{"counter outcome in capitals", with(window(), func(w *W) { w.Counters[0].Outcome = "OK" }), "window: counter 0: outcome is not valid"},
	{"counter protocol not utf-8", with(window(), func(w *W) { w.Counters[0].Protocol = "\xff" }), "window: counter 0: protocol is not valid utf-8"},
	{"counter server not utf-8", with(window(), func(w *W) { w.Counters[0].Server = "\xff" }), "window: counter 0: server is not valid utf-8"},
	{"counter count zero", with(window(), func(w *W) { w.Counters[0].Count = 0 }), "window: counter 0: count is zero or above MaxCount"},

	{"sample url not utf-8", with(sample(), func(s *S) { s.URL = "\xff" }), "sample: url is not valid utf-8"},
	{"sample method not utf-8", with(sample(), func(s *S) { s.Method = "\xff" }), "sample: method is not valid utf-8"},
	{"sample outcome empty", with(sample(), func(s *S) { s.Outcome = "" }), "sample: outcome is not valid"},
	{"sample outcome with a space", with(sample(), func(s *S) { s.Outcome = "tcp reset" }), "sample: outcome is not valid"},
	{"sample phase empty", with(sample(), func(s *S) { s.Phase = "" }), "sample: phase is unknown"},
	{"sample phase unknown", with(sample(), func(s *S) { s.Phase = "sxg" }), "sample: phase is unknown"},
	{"sample protocol not utf-8", with(sample(), func(s *S) { s.Protocol = "\xff" }), "sample: protocol is not valid utf-8"},
	{"sample server not utf-8", with(sample(), func(s *S) { s.Server = "\xff" }), "sample: server is not valid utf-8"},

	{"error kind zero", with(appError(), func(e *A) { e.Kind = 0 }), "application error: kind is unknown"},
	{"error kind unknown", with(appError(), func(e *A) { e.Kind = 8 }), "application error: kind is unknown"},
	{"error type empty", with(appError(), func(e *A) { e.Type = "" }), "application error: type is empty"},
	{"error type not utf-8", with(appError(), func(e *A) { e.Type = "\xff" }), "application error: type is not valid utf-8"},
	{"error message not utf-8", with(appError(), func(e *A) { e.Message = "\xff" }), "application error: message is not valid utf-8"},
	{"error fingerprint zero", with(appError(), func(e *A) { e.Fingerprint = [16]byte{} }), "application error: fingerprint is zero"},
	{"error url not utf-8", with(appError(), func(e *A) { e.URL = "\xff" }), "application error: url is not valid utf-8"},
	{"error count zero", with(appError(), func(e *A) { e.Count = 0 }), "application error: count is zero or above MaxCount"},
	{"frame function empty", with(appError(), func(e *A) { e.Frames[0].Function = "" }), "application error: frame 0: function is empty"},
	{"frame function not utf-8", with(appError(), func(e *A) { e.Frames[1].Function = "\xff" }), "application error: frame 1: function is not valid utf-8"},
	{"frame file not utf-8", with(appError(), func(e *A) { e.Frames[1].File = "\xff" }), "application error: frame 1: file is not valid utf-8"},
	{"frame file with a path", with(appError(), func(e *A) { e.Frames[1].File = "/home/bob/main.go" }), "application error: frame 1: file is more than a base name"},
	{"frame file with a windows path", with(appError(), func(e *A) { e.Frames[1].File = `C:\bob\main.go` }), "application error: frame 1: file is more than a base name"},

	{"notice without clients", &report.DeletionNotice{}, "deletion notice: names no client"},
	{"notice client zero", with(notice(), func(n *N) { n.Clients[0] = [16]byte{} }), "deletion notice: a client is zero, not sorted, or there twice"},
	{"notice clients unsorted", with(notice(), func(n *N) { n.Clients[0][0] = 9 }), "deletion notice: a client is zero, not sorted, or there twice"},
	{"notice client twice", with(notice(), func(n *N) { n.Clients[1] = n.Clients[0] }), "deletion notice: a client is zero, not sorted, or there twice"},

	{"receipts without batches", &report.Receipts{}, "receipts: names no batch"},
	{"receipts collector empty", with(receipts(2), func(r *R) { r.Batches[0].Collector = "" }), "receipts: collector: empty"},
	{"receipts collector not utf-8", with(receipts(2), func(r *R) { r.Batches[1].Collector = "\xff" }), "receipts: collector: not valid utf-8"},
	{"receipts name zero", with(receipts(2), func(r *R) { r.Batches[0].Name = [16]byte{} }), "receipts: a name is zero, not sorted, or there twice"},
	{"receipts names unsorted", with(receipts(3), func(r *R) { r.Batches[0].Name[0] = 9 }), "receipts: a name is zero, not sorted, or there twice"},
	{"receipts name twice", with(receipts(3), func(r *R) { r.Batches[1].Name = r.Batches[0].Name }), "receipts: a name is zero, not sorted, or there twice"},
	{"receipts without frames", with(receipts(2), func(r *R) { r.Batches[1].Frames = 0 }), "receipts: a batch without frames"},

	{"durations without histograms", &report.Durations{}, "durations: no histograms"},
	{"durations that end in an empty histogram", with(durations(), func(d *D) { d.Histograms = d.Histograms[:1] }), "durations: the last histogram is empty"},
	{"durations bucket without a count", with(durations(), func(d *D) { d.Histograms[1][0].Count = 0 }), "durations: histogram 1: bucket 0: count is zero or above MaxCount"},

	{"probe vantage empty", with(probe(), func(p *P) { p.Vantage = "" }), "probe results: vantage is empty"},
	{"probe vantage not utf-8", with(probe(), func(p *P) { p.Vantage = "\xff" }), "probe results: vantage is not valid utf-8"},
	{"probe version not utf-8", with(probe(), func(p *P) { p.Version = "\xff" }), "probe results: version is not valid utf-8"},
	{"probe without targets", with(probe(), func(p *P) { p.Targets = nil }), "probe results: no targets"},
	{"probe without results", with(probe(), func(p *P) { p.Results = nil }), "probe results: target 0: has no result"},
	{"probe target without result", with(probe(), func(p *P) { p.Results[0].Target = 0 }), "probe results: target 1: has no result"},
	{"probe targets unsorted", with(probe(), func(p *P) { p.Targets[0].Name = "z" }), "probe results: target 1: not sorted, or its name is there twice"},
	{"probe target twice", with(probe(), func(p *P) { p.Targets[1].Name = "a" }), "probe results: target 1: not sorted, or its name is there twice"},
	{"probe target name empty", with(probe(), func(p *P) { p.Targets[0].Name = "" }), "probe results: target 0: name is empty"},
	{"probe target name not utf-8", with(probe(), func(p *P) { p.Targets[1].Name = "\xff" }), "probe results: target 1: name is not valid utf-8"},
	{"probe target kind empty", with(probe(), func(p *P) { p.Targets[0].Kind = "" }), "probe results: target 0: kind is empty"},
	{"probe target address not utf-8", with(probe(), func(p *P) { p.Targets[0].Address = "\xff" }), "probe results: target 0: address is not valid utf-8"},
	{"probe region not utf-8", with(probe(), func(p *P) { p.Targets[0].Region = "\xff" }), "probe results: target 0: region is not valid utf-8"},
	{"probe data centre not utf-8", with(probe(), func(p *P) { p.Targets[0].DataCentre = "\xff" }), "probe results: target 0: data centre is not valid utf-8"},
	{"probe cluster not utf-8", with(probe(), func(p *P) { p.Targets[0].Cluster = "\xff" }), "probe results: target 0: cluster is not valid utf-8"},
	{"probe row not utf-8", with(probe(), func(p *P) { p.Targets[0].Row = "\xff" }), "probe results: target 0: row is not valid utf-8"},
	{"probe result of no target", with(probe(), func(p *P) { p.Results[0].Target = 2 }), "probe results: result 0: no such target"},
	{"probe judgement zero", with(probe(), func(p *P) { p.Results[0].Judgement = 0 }), "probe results: result 0: judgement is unknown"},
	{"probe outcome empty", with(probe(), func(p *P) { p.Results[0].Outcome = "" }), "probe results: result 0: outcome is not valid"},
	{"probe step without name", with(probe(), func(p *P) { p.Results[0].Steps[0].Name = "" }), "probe results: result 0: name of a step is empty"},
	{"probe step not utf-8", with(probe(), func(p *P) { p.Results[1].Steps[2].Name = "\xff" }), "probe results: result 1: name of a step is not valid utf-8"},
	{"probe family 5", with(probe(), func(p *P) { p.Results[1].Family = 5 }), "probe results: result 1: family is not 4 or 6"},
	{"probe server not utf-8", with(probe(), func(p *P) { p.Results[1].Server = "\xff" }), "probe results: result 1: server is not valid utf-8"},
	{"probe protocol not utf-8", with(probe(), func(p *P) { p.Results[1].Protocol = "\xff" }), "probe results: result 1: protocol is not valid utf-8"},

	{"delivery collector empty", report.Delivery{Path: []report.Attempt{{Outcome: report.TCPReset}}}, "delivery: path names a collector that is empty"},
	{"delivery collector not utf-8", report.Delivery{Path: []report.Attempt{{Collector: "\xff", Outcome: report.TCPReset}}}, "delivery: path names a collector that is not valid utf-8"},
	{"delivery outcome empty", report.Delivery{Path: []report.Attempt{{Collector: "c"}}}, "delivery: path has an outcome that is no failure"},
	{"delivery outcome ok", report.Delivery{Path: []report.Attempt{{Collector: "c", Outcome: report.OK}}}, "delivery: path has an outcome that is no failure"},

	{"envelope seq zero", with(envelope(), func(e *E) { e.Seq = 0 }), "envelope: seq is not 1 to 2^63-1"},
	{"envelope batch zero", with(envelope(), func(e *E) { e.Batch = report.BatchID{} }), "envelope: batch is zero"},
	{"envelope received zero", with(envelope(), func(e *E) { e.Received = 0 }), "envelope: received is not after 1970"},
	{"envelope received before 1970", with(envelope(), func(e *E) { e.Received = -1 }), "envelope: received is not after 1970"},
	{"envelope collector empty", with(envelope(), func(e *E) { e.Collector = "" }), "envelope: collector is empty"},
	{"envelope collector not utf-8", with(envelope(), func(e *E) { e.Collector = "\xff" }), "envelope: collector is not valid utf-8"},
	{"envelope country empty", with(envelope(), func(e *E) { e.Country = "" }), "envelope: country is not two capital letters"},
	{"envelope country in small letters", with(envelope(), func(e *E) { e.Country = "de" }), "envelope: country is not two capital letters"},
	{"envelope country of three letters", with(envelope(), func(e *E) { e.Country = "DEU" }), "envelope: country is not two capital letters"},
	{"envelope segment empty", with(envelope(), func(e *E) { e.Segment = nil }), "envelope: segment is empty"},
	{"envelope bucket above its limit", with(envelope(), func(e *E) { e.Bucket = report.MaxBucket + 1 }), "envelope: bucket is above MaxBucket"},
	{"envelope delivery refused", with(envelope(), func(e *E) { e.Delivery.Path[0].Outcome = report.OK }), "envelope: delivery: path has an outcome that is no failure"},
}

func with[T any](v *T, spoil func(*T)) *T {
	spoil(v)
	return v
}

func TestBadValuesAreRefusedOnBothSides(t *testing.T) {
	for _, e := range badValues {
		t.Run(e.name, func(t *testing.T) {
			out, err := encode([]byte("x"), e.value)
			if !errors.Is(err, report.ErrMalformed) || err.Error() != "malformed "+e.reason {
				t.Errorf("encoder: %v, want %q", err, e.reason)
			}
			if string(out) != "x" {
				t.Errorf("encoder changed dst to %q", out)
			}
			if v, err := decodeLike(e.value, oracleEncode(e.value)); !errors.Is(err, report.ErrMalformed) {
				t.Errorf("decoder: %+v, %v", v, err)
			}
		})
	}
}

func TestSpoiledValuesWereValid(t *testing.T) {
	for _, v := range []any{header(), window(), sample(), appError(), notice(), probe(), durations(), delivery(), envelope()} {
		if _, err := encode(nil, v); err != nil {
			t.Errorf("%T: %v", v, err)
		}
	}
}

func TestNilIsRefused(t *testing.T) {
	for _, r := range []report.Record{nil, (*report.Header)(nil), (*report.Window)(nil), (*report.Sample)(nil), (*report.ApplicationError)(nil), (*report.DeletionNotice)(nil), (*report.ProbeResults)(nil), (*report.Receipts)(nil), (*report.Durations)(nil)} {
		if _, err := report.AppendRecord(nil, r); !errors.Is(err, report.ErrMalformed) || !strings.HasSuffix(err.Error(), ": is nil") {
			t.Errorf("%T: %v", r, err)
		}
	}
	if _, err := report.AppendEnvelope(nil, nil); !errors.Is(err, report.ErrMalformed) {
		t.Errorf("envelope: %v", err)
	}
}

// m is a CBOR map, a an array.
type (
	m = map[uint64]any
	a = []any
)

func windowOf(strings a, counters ...any) a {
	return a{2, m{2: 1000, 3: 50000, 4: strings, 5: counters}}
}

func headerWith(key uint64, v any) a { return a{1, set(m{1: 1, 2: "shop", 5: 1}, key, v)} }
func sampleWith(key uint64, v any) a { return a{3, set(m{4: "ok", 5: 3}, key, v)} }
func errorWith(key uint64, v any) a  { return a{4, set(m{2: 1, 3: "T", 5: client[:], 8: 1}, key, v)} }
func noticeWith(key uint64, v any) a { return a{5, set(m{1: a{client[:]}}, key, v)} }
func windowWith(key uint64, v any) a {
	return a{2, set(windowOf(a{"", "a", "ok"}, a{1, 2, 0, 0, 0, 0, 1})[1].(m), key, v)}
}

// probeWith is a record of one result at the target "a" by "tcp", with a field changed. Its strings
// are "", "ok" and "tcp".
func probeWith(key uint64, v any) a {
	return a{6, set(m{1: "fra", 4: a{"", "ok", "tcp"}, 5: a{a{"a", "ip", 2, 0, 0, 0, 0}}, 6: a{a{1, 1, 0, 0, 0}}, 7: a{a{0, 0, 0, 0}}}, key, v)}
}

func durationsWith(key uint64, v any) a { return a{8, set(m{1: a{a{1}}}, key, v)} }

func envelopeWith(key uint64, v any) m {
	return set(m{1: 1, 2: client[:], 3: 1, 4: "c", 6: "ZZ", 8: []byte{1}}, key, v)
}

// ofFields is a map with keys from 1.
func ofFields(n uint64) m {
	fields := m{}
	for key := range n {
		fields[key+1] = 1
	}
	return fields
}

func set(fields m, key uint64, v any) m {
	if fields[key] = v; v == nil {
		delete(fields, key)
	}
	return fields
}

// badEncodings are deterministic CBOR of the wrong shape, or a second encoding of what has another.
var badEncodings = []struct {
	name   string
	like   any // whose decoder is meant; nil: a record's
	value  any // for the library to encode
	reason string
}{
	{"record of one item", nil, a{1}, "want an array of two items"},
	{"record of three items", nil, a{1, m{}, 0}, "array too long"},
	{"record that is a map", nil, m{1: 2}, "want an array"},
	{"record of kind 0", nil, a{0, m{}}, "no record has kind 0"},
	{"record of a negative kind", nil, a{-1, m{}}, "want an unsigned integer"},
	{"record of a named kind", nil, a{"window", m{}}, "want an unsigned integer"},
	{"unknown record with a float", nil, a{9, 1.5}, "float"},
	{"unknown record with a null", nil, a{9, nil}, "null"},
	{"header of 24 fields", nil, a{1, ofFields(24)}, "map too long"},
	{"optional field with a null", nil, headerWith(64, a{nil}), "null"},
	{"optional field with a float", nil, headerWith(64, 1.5), "float"},
	{"optional field below the others", nil, windowWith(63, 1), "unknown key"},
	{"body that is an array", nil, a{1, a{}}, "want a map"},

	{"header unknown key", nil, headerWith(8, 1), "unknown key"},
	{"header key zero", nil, headerWith(0, 1), "map key out of order"},
	{"header key 23", nil, headerWith(23, 1), "unknown key"},
	{"header without source", nil, headerWith(1, nil), "source is unknown"},
	{"header without app", nil, headerWith(2, nil), "app is empty"},
	{"header without consent", nil, headerWith(5, nil), "consent is off"},
	{"header present empty app", nil, headerWith(2, ""), "a zero value must be absent"},
	{"header present empty version", nil, headerWith(3, ""), "a zero value must be absent"},
	{"header present empty os", nil, headerWith(4, ""), "a zero value must be absent"},
	{"header present consent off", nil, headerWith(5, 0), "a zero value must be absent"},
	{"header present client zero", nil, headerWith(6, make([]byte, 16)), "a zero value must be absent"},
	{"header present empty drops", nil, headerWith(7, a{}), "a zero value must be absent"},
	{"header client of 15 bytes", nil, headerWith(6, client[:15]), "want 16 bytes"},
	{"header client of 17 bytes", nil, headerWith(6, make([]byte, 17)), "byte string too long"},
	{"header app in bytes", nil, headerWith(2, []byte("shop")), "want a text string"},
	{"header source negative", nil, headerWith(1, -1), "want an unsigned integer"},
	{"header drop of one item", nil, headerWith(7, a{a{"expired"}}), "want a reason and a count"},
	{"header drops in a map", nil, headerWith(7, m{1: 1}), "want an array"},

	{"window unknown key", nil, windowWith(6, 1), "unknown key"},
	{"window present end zero", nil, windowWith(1, 0), "a zero value must be absent"},
	{"window present length zero", nil, windowWith(2, 0), "a zero value must be absent"},
	{"window without strings", nil, windowWith(4, nil), "no such string"},
	{"window without sampled", nil, windowWith(3, nil), "sampled is not"},
	{"window without counters", nil, windowWith(5, nil), "no counters"},
	{"window counters empty", nil, windowWith(5, a{}), "a string that no counter uses"},
	{"window strings and counters empty", nil, a{2, m{2: 1000, 3: 50000, 4: a{}, 5: a{}}}, "no counters"},
	{"window strings unsorted", nil, windowOf(a{"", "ok", "a"}, a{2, 1, 0, 0, 0, 0, 1}), "strings are not sorted"},
	{"window string twice", nil, windowOf(a{"", "a", "a", "ok"}, a{1, 3, 0, 0, 0, 0, 1}, a{2, 3, 0, 0, 0, 0, 1}), "strings are not sorted"},
	{"window strings sorted by length", nil, windowOf(a{"", "b", "ab", "ok"}, a{1, 3, 0, 0, 0, 0, 1}, a{2, 3, 0, 0, 0, 0, 1}), "strings are not sorted"},
	{"window string unused", nil, windowOf(a{"", "a", "b", "ok"}, a{1, 3, 0, 0, 0, 0, 1}), "a string that no counter uses"},
	{"window string out of range", nil, windowOf(a{"", "a", "ok"}, a{1, 3, 0, 0, 0, 0, 1}), "no such string"},
	{"window counter of six items", nil, windowOf(a{"", "a", "ok"}, a{1, 2, 0, 0, 0, 0}), "want a counter of seven items"},
	{"window counter of eight items", nil, windowOf(a{"", "a", "ok"}, a{1, 2, 0, 0, 0, 0, 1, 1}), "array too long"},
	{"window counter with a negative status", nil, windowOf(a{"", "a", "ok"}, a{1, 2, 0, 0, -1, 0, 1}), "want an unsigned integer"},
	{"window counter with flags above one byte", nil, windowOf(a{"", "a", "ok"}, a{1, 2, 0, 0, 0, 256, 1}), "number above its limit"},

	{"sample unknown key", nil, sampleWith(12, 1), "unknown key"},
	{"sample without outcome", nil, sampleWith(4, nil), "outcome is not valid"},
	{"sample without phase", nil, sampleWith(5, nil), "phase is unknown"},
	{"sample present at zero", nil, sampleWith(1, 0), "a zero value must be absent"},
	{"sample present empty url", nil, sampleWith(2, ""), "a zero value must be absent"},
	{"sample present empty method", nil, sampleWith(3, ""), "a zero value must be absent"},
	{"sample present empty protocol", nil, sampleWith(6, ""), "a zero value must be absent"},
	{"sample present empty server", nil, sampleWith(7, ""), "a zero value must be absent"},
	{"sample present status zero", nil, sampleWith(8, 0), "a zero value must be absent"},
	{"sample present elapsed zero", nil, sampleWith(9, 0), "a zero value must be absent"},
	{"sample present trace id zero", nil, sampleWith(10, make([]byte, 16)), "a zero value must be absent"},
	{"sample present flags zero", nil, sampleWith(11, 0), "a zero value must be absent"},
	{"sample flags above one byte", nil, sampleWith(11, 256), "number above its limit"},
	{"sample phase above application", nil, sampleWith(5, 4), "number above its limit"},

	{"error unknown key", nil, errorWith(10, 1), "unknown key"},
	{"error without kind", nil, errorWith(2, nil), "kind is unknown"},
	{"error without type", nil, errorWith(3, nil), "type is empty"},
	{"error without fingerprint", nil, errorWith(5, nil), "fingerprint is zero"},
	{"error without count", nil, errorWith(8, nil), "count is zero"},
	{"error present at zero", nil, errorWith(1, 0), "a zero value must be absent"},
	{"error present empty message", nil, errorWith(4, ""), "a zero value must be absent"},
	{"error present fingerprint zero", nil, errorWith(5, make([]byte, 16)), "a zero value must be absent"},
	{"error fingerprint of 15 bytes", nil, errorWith(5, client[:15]), "want 16 bytes"},
	{"error present empty frames", nil, errorWith(6, a{}), "a zero value must be absent"},
	{"error frame of two items", nil, errorWith(6, a{a{"f", "x.go"}}), "want a frame of three items"},
	{"error frame with a line above 32 bits", nil, errorWith(6, a{a{"f", "x.go", uint64(1) << 32}}), "number above its limit"},
	{"error present trace id zero", nil, errorWith(7, make([]byte, 16)), "a zero value must be absent"},
	{"error present empty url", nil, errorWith(9, ""), "a zero value must be absent"},
	{"error present count zero", nil, errorWith(8, 0), "a zero value must be absent"},

	{"notice unknown key", nil, a{5, m{2: 1}}, "unknown key"},
	{"notice of two fields", nil, noticeWith(2, 1), "unknown key"},
	{"notice without clients", nil, a{5, m{}}, "names no client"},
	{"notice present empty clients", nil, noticeWith(1, a{}), "names no client"},
	{"notice client of 15 bytes", nil, noticeWith(1, a{client[:15]}), "want 16 bytes"},
	{"notice client zero", nil, noticeWith(1, a{make([]byte, 16)}), "a zero value must be absent"},

	{"probe unknown key", nil, probeWith(8, 1), "unknown key"},
	{"probe of 24 fields", nil, a{6, ofFields(24)}, "map too long"},
	{"probe present asn zero", nil, probeWith(2, 0), "a zero value must be absent"},
	{"probe asn above 32 bits", nil, probeWith(2, uint64(1)<<32), "number above its limit"},
	{"probe present empty version", nil, probeWith(3, ""), "a zero value must be absent"},
	{"probe without strings", nil, probeWith(4, nil), "no such string"},
	{"probe strings unsorted", nil, probeWith(4, a{"", "tcp", "ok"}), "strings are not sorted"},
	{"probe string unused", nil, probeWith(4, a{"", "ok", "tcp", "x"}), "a string that nothing uses"},
	{"probe without targets", nil, probeWith(5, nil), "no such target"},
	{"probe target of six items", nil, probeWith(5, a{a{"a", "ip", 2, 0, 0, 0}}), "want a target of seven items"},
	{"probe target with its name as an index", nil, probeWith(5, a{a{0, "ip", 2, 0, 0, 0, 0}}), "want a text string"},
	{"probe target out of the strings", nil, probeWith(5, a{a{"a", "ip", 3, 0, 0, 0, 0}}), "no such string"},
	{"probe without shapes", nil, probeWith(6, nil), "no such shape"},
	{"probe shape of four items", nil, probeWith(6, a{a{1, 1, 0, 0}}), "want a shape of five items or more"},
	{"probe shape unused", nil, probeWith(6, a{a{1, 1, 0, 0, 0}, a{2, 1, 0, 0, 0}}), "a shape that no result has"},
	{"probe shape twice", nil, probeWith(6, a{a{1, 1, 0, 0, 0}, a{1, 1, 0, 0, 0}}), "shapes are not sorted"},
	{"probe shapes unsorted", nil, probeWith(6, a{a{2, 1, 0, 0, 0}, a{1, 1, 0, 0, 0}}), "shapes are not sorted"},
	{"probe shape with a judgement above eight bits", nil, probeWith(6, a{a{257, 1, 0, 0, 0}}), "number above its limit"},
	{"probe shape with a family above eight bits", nil, probeWith(6, a{a{1, 1, 260, 0, 0}}), "number above its limit"},
	{"probe shape with a status above MaxStatus", nil, probeWith(6, a{a{1, 1, 0, 0, 1000}}), "number above its limit"},
	{"probe shape out of the strings", nil, probeWith(6, a{a{1, 3, 0, 0, 0}}), "no such string"},
	{"probe without results", nil, probeWith(7, nil), "a string that nothing uses"},
	{"probe result of three items", nil, probeWith(7, a{a{0, 0, 0}, a{0}}), "want an unsigned integer"},
	{"probe result with a duration too many", nil, probeWith(7, a{a{0, 0, 0, 0, 1}}), "want a duration for each step of the shape"},
	{"probe result of another shape", nil, probeWith(7, a{a{0, 0, 1, 0}}), "no such shape"},
	{"probe result out of the strings", nil, probeWith(7, a{a{0, 0, 0, 4}}), "no such string"},
	{"probe result of no target", nil, probeWith(7, a{a{1, 0, 0, 0}}), "no such target"},
	{"probe result that says the target's address", nil, a{6, m{1: "fra", 4: a{"", "ok", "tcp"}, 5: a{a{"a", "ok", 2, 0, 0, 0, 0}}, 6: a{a{1, 1, 0, 0, 0}}, 7: a{a{0, 0, 0, 2}}}},
		"the server is the target's address"},
	{"probe result of a target above its limit", nil, probeWith(7, a{a{1024, 0, 0, 0}}), "number above its limit"},

	{"durations unknown key", nil, durationsWith(2, 1), "unknown key"},
	{"durations without histograms", nil, durationsWith(1, nil), "no histograms"},
	{"durations present empty", nil, durationsWith(1, a{}), "no histograms"},
	{"durations histogram of bytes", nil, durationsWith(1, a{[]byte{1}}), "want an array"},
	{"durations with a text", nil, durationsWith(1, a{a{"1"}}), "want an integer"},
	{"durations with a count of zero", nil, durationsWith(1, a{a{0}}), "want counts of buckets"},
	{"durations passing over twice", nil, durationsWith(1, a{a{-1, -1, 1}}), "want counts of buckets"},
	{"durations passing over all", nil, durationsWith(1, a{a{-161, 1}}), "want counts of buckets"},
	{"durations passing over at the end", nil, durationsWith(1, a{a{1, -3}}), "empty buckets at the end"},
	{"durations behind the last bucket", nil, durationsWith(1, a{a{-160, 1, 1}}), "want counts of buckets"},
	{"durations passing over too many", nil, durationsWith(1, a{a{-100, 1, -100, 1}}), "want counts of buckets"},
	{"durations of too many buckets", nil, durationsWith(1, a{slices.Repeat(a{1}, 162)}), "array too long"},

	{"delivery unknown key", report.Delivery{}, m{3: 1}, "unknown key"},
	{"delivery present age zero", report.Delivery{}, m{1: 0}, "a zero value must be absent"},
	{"delivery present empty path", report.Delivery{}, m{2: a{}}, "a zero value must be absent"},
	{"delivery attempt of one item", report.Delivery{}, m{2: a{a{"c"}}}, "want a collector and an outcome"},
	{"delivery that is an array", report.Delivery{}, a{}, "want a map"},

	{"envelope unknown key", &report.Envelope{}, envelopeWith(10, 1), "unknown key"},
	{"envelope without segment", &report.Envelope{}, envelopeWith(8, nil), "segment is empty"},
	{"envelope without batch", &report.Envelope{}, envelopeWith(2, nil), "batch is zero"},
	{"envelope present asn zero", &report.Envelope{}, envelopeWith(5, 0), "a zero value must be absent"},
	{"envelope present empty delivery", &report.Envelope{}, envelopeWith(7, m{}), "a zero value must be absent"},
	{"envelope batch of 15 bytes", &report.Envelope{}, envelopeWith(2, client[:15]), "want 16 bytes"},
	{"envelope present bucket zero", &report.Envelope{}, envelopeWith(9, 0), "a zero value must be absent"},
	{"envelope bucket above its limit", &report.Envelope{}, envelopeWith(9, report.MaxBucket+1), "number above its limit"},
	{"envelope asn above 32 bits", &report.Envelope{}, envelopeWith(5, uint64(1)<<32), "number above its limit"},
}

func TestBadEncodingsAreRefused(t *testing.T) {
	for _, e := range badEncodings {
		t.Run(e.name, func(t *testing.T) {
			v, err := decodeLike(e.like, oracleEncode(e.value))
			if !errors.Is(err, report.ErrMalformed) || !strings.Contains(err.Error(), e.reason) {
				t.Errorf("%+v, %v; want %q", v, err, e.reason)
			}
		})
	}
}

func TestUnspoiledEncodingsAreAccepted(t *testing.T) {
	for _, e := range []struct{ like, value any }{
		{nil, headerWith(8, nil)}, {nil, windowWith(6, nil)}, {nil, sampleWith(12, nil)}, {nil, errorWith(10, nil)}, {nil, probeWith(8, nil)}, {&report.Envelope{}, envelopeWith(9, nil)},
	} {
		if _, err := decodeLike(e.like, oracleEncode(e.value)); err != nil {
			t.Errorf("%v: %v", e.value, err)
		}
	}
}

func TestCutAndPaddedBytesAreRefused(t *testing.T) {
	for _, e := range examples {
		b, err := encode(nil, e.value)
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(b) {
			if _, err := decodeLike(e.value, b[:n]); !errors.Is(err, report.ErrMalformed) {
				t.Fatalf("%s cut to %d of %d bytes: %v", e.name, n, len(b), err)
			}
		}
		if _, err := decodeLike(e.value, append(b, 0)); !errors.Is(err, report.ErrMalformed) {
			t.Errorf("%s with a byte more: %v", e.name, err)
		}
	}
}

func TestUnknownRecordIsToldApart(t *testing.T) {
	for _, body := range []any{m{}, m{1: "x", 2: a{1, -1, true}}, a{}, "text", 0} {
		if r, err := report.DecodeRecord(oracleEncode(a{1000, body})); r != nil || !errors.Is(err, report.ErrUnknownRecord) {
			t.Errorf("kind 1000 with %v: %v, %v", body, r, err)
		}
	}
}

// An error text may be logged, so it must not carry what a user did.
func TestErrorsQuoteNothing(t *testing.T) {
	const secret = "secret-path"
	for _, v := range []any{
		with(sample(), func(s *S) { s.URL = secret + "\xff" }),
		with(window(), func(w *W) { w.Counters[0].Target = secret + "\xff" }),
		with(header(), func(h *H) { h.Drops[0].Reason = secret }),
		with(appError(), func(e *A) { e.Message = secret + "\xff" }),
		with(appError(), func(e *A) { e.Frames[0].File = "/" + secret }),
	} {
		_, errEncode := encode(nil, v)
		_, errDecode := decodeLike(v, oracleEncode(v))
		if err := errors.Join(errEncode, errDecode); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%T: %v", v, err)
		}
	}
}
