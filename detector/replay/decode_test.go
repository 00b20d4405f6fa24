package replay

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/report"
)

const example = `{"at":1772445000000,"arrived":1772445004000,"app":"shop","version":"1.4.2","os":"linux","target":"https://shop.example",` +
	`"outcome":"tcp.refused","protocol":"h2","status":0,"server":"192.0.2.1:443","asn":64501,"country":"SE","source":"agent","collector":"c1",` +
	`"bucket":17,"client":"1234567890","raw":3,"estimated":3.5}`

var exampleRow = judgement.Row{At: 1772445000000, Arrived: 1772445004000, App: "shop", Version: "1.4.2", OS: "linux", Target: "https://shop.example",
	Outcome: "tcp.refused", Protocol: "h2", Server: "192.0.2.1:443", ASN: 64501, Country: "SE", Source: report.SourceAgent, Collector: "c1",
	Bucket: 18, Client: 1234567890, Raw: 3, Estimated: 3.5}

func TestLinesComeBack(t *testing.T) {
	d := newDecoder()
	var l line
	if err := d.decode([]byte(example), &l); err != nil || l.kind != &rowKind || l.row != exampleRow {
		t.Errorf("%v %+v", err, l)
	}
	odd := exampleRow
	odd.App, odd.Version, odd.Outcome, odd.Estimated, odd.Client = "Läden \"x\"\\", "\u0007", "made.up", 1e-7, 1<<64-1
	if err := d.decode(AppendRow(nil, &odd), &l); err != nil || l.row != odd {
		t.Errorf("%v %+v", err, l.row)
	}
	p := judgement.Probe{At: 5, Vantage: "v1", VantageASN: 64500, Server: "192.0.2.1:443", Outcome: "ok"}
	if err := d.decode(AppendProbe(nil, &p), &l); err != nil || l.kind != &probeKind || l.probe != p {
		t.Errorf("%v %+v", err, l)
	}
	if err := d.decode(AppendTick(nil, 77), &l); err != nil || l.kind != &tickKind || l.tick != 77 {
		t.Errorf("%v %+v", err, l)
	}
}

// A stranger's words are taken, and bounded.
func TestStrangeValuesAreTaken(t *testing.T) {
	long := strings.Repeat("ä", 1000)
	for name, c := range map[string]struct {
		old, new string
		holds    func(r judgement.Row) bool
	}{
		"no arrived":         {`"arrived":1772445004000,`, ``, func(r judgement.Row) bool { return r.Arrived == r.At }},
		"a long app":         {`"shop"`, `"` + long + `"`, func(r judgement.Row) bool { return r.App == long[:report.MaxString] }},
		"a new outcome":      {`tcp.refused`, `tcp.melted`, func(r judgement.Row) bool { return r.Outcome == "tcp.melted" }},
		"no outcome at all":  {`tcp.refused`, `¡Ay!`, func(r judgement.Row) bool { return r.Outcome == report.Unknown }},
		"a new source":       {`"agent"`, `"toaster"`, func(r judgement.Row) bool { return r.Source == 0 }},
		"a far future":       {`"at":1772445000000`, `"at":253402300799999`, func(r judgement.Row) bool { return r.At == 253402300799999 }},
		"a float that fits":  {`"raw":3`, `"raw":3.0`, func(r judgement.Row) bool { return r.Raw == 3 }},
		"an exponent":        {`"estimated":3.5`, `"estimated":1e300`, func(r judgement.Row) bool { return r.Estimated == 1e300 }},
		"half a surrogate":   {`"SE"`, `"\ud800"`, func(r judgement.Row) bool { return r.Country == "\ufffd" }},
		"bytes that are not": {`"SE"`, "\"\xff\"", func(r judgement.Row) bool { return r.Country == "\ufffd" }},
		"spaces":             {`"os":"linux",`, " \t\"os\" : \"linux\"\r ,", func(r judgement.Row) bool { return r == exampleRow }},
	} {
		t.Run(name, func(t *testing.T) {
			var l line
			if err := newDecoder().decode([]byte(strings.Replace(example, c.old, c.new, 1)), &l); err != nil || !c.holds(l.row) {
				t.Errorf("%v %+v", err, l.row)
			}
		})
	}
}

func TestBadLinesNameTheField(t *testing.T) {
	change := func(old, new string) string { return strings.Replace(example, old, new, 1) }
	for text, field := range map[string]string{
		``: "line", `[]`: "line", `{}`: "at", `{"tick":1} x`: "line", `{"tick":1,}`: "line", `nonsense`: "line",
		`{"tick":`: "tick", `{"tick"}`: "tick", `{"tick":1`: "tick", `{"tick":"1"}`: "tick", `{"tick":-1}`: "tick", `{"tick":01}`: "tick",
		`{"tick":1.5}`: "tick", `{"tick":1e99}`: "tick", `{"tick":253402300800000}`: "tick", `{"tick":18446744073709551616}`: "tick",
		`{"tick":null}`: "tick", `{"tick":1,"tick":1}`: "tick", `{"tick":1,"at":1}`: "at", `{"tick":{}}`: "tick", `{"tick":1.}`: "tick", `{"tick":1e}`: "tick",
		`{"probe":1,"vantage":"v","server":"s","outcome":"ok","asn":1}`: "asn", `{"probe":1,"vantage":"v","server":"s"}`: "outcome",
		change(`"app"`, `"application"`):            "application",
		change(`"app":"shop",`, ``):                 "app",
		change(`"SE"`, `null`):                      "country",
		change(`"SE"`, `["SE"]`):                    "country",
		change(`"SE"`, `"SE`):                       "country",
		change(`"SE"`, "\"S\nE\""):                  "country",
		change(`"SE"`, `"\x"`):                      "country",
		change(`"bucket":17`, `"bucket":4096`):      "bucket",
		change(`"asn":64501`, `"asn":4294967296`):   "asn",
		change(`"asn":64501`, `"asn":"64501"`):      "asn",
		change(`"status":0`, `"status":65536`):      "status",
		change(`"1234567890"`, `1234567890`):        "client",
		change(`"1234567890"`, `"-1"`):              "client",
		change(`"1234567890"`, `"0x1"`):             "client",
		change(`"raw":3`, `"raw":-3`):               "raw",
		change(`"raw":3`, `"raw":0.5`):              "raw",
		change(`"estimated":3.5`, `"estimated":-1`): "estimated",
		change(`3.5`, `1e999`):                      "estimated",
		change(`3.5`, `NaN`):                        "estimated",
	} {
		var l line
		var f *fault
		if err := newDecoder().decode([]byte(text), &l); !errors.As(err, &f) || f.field != field {
			t.Errorf("%s: %v, want a fault of %q", text, err, field)
		}
	}
}

func TestMemoryForWordsIsBounded(t *testing.T) {
	d := newDecoder()
	row := exampleRow
	var l line
	for i := range uint64(3 * maxInterned) {
		row.Server = string(AppendTick(nil, int64(i)))
		row.Client = i
		if err := d.decode(AppendRow(nil, &row), &l); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.names) > maxInterned {
		t.Errorf("%d words are kept", len(d.names))
	}
}

// FuzzDecode: what decodes is JSON with keys that are known, and comes back when it is written and
// read again.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{example, `{"tick":1}`, `{"probe":1,"vantage":"v","server":"s","outcome":"ok"}`, `{"tick":1e3}`, `{"a\u0074":1}`} {
		f.Add([]byte(seed))
	}
	d := newDecoder()
	f.Fuzz(func(t *testing.T, text []byte) {
		var l, again line
		if err := d.decode(text, &l); err != nil {
			if _, ok := err.(*fault); !ok {
				t.Fatalf("%q: %v names no field", text, err)
			}
			return
		}
		if !json.Valid(text) {
			t.Fatalf("%q is taken and is no JSON", text)
		}
		var b []byte
		switch l.kind {
		case &tickKind:
			b = AppendTick(nil, l.tick)
		case &probeKind:
			b = AppendProbe(nil, &l.probe)
		default:
			b = AppendRow(nil, &l.row)
		}
		if err := d.decode(b, &again); err != nil {
			t.Fatalf("%q is written as %q: %v", text, b, err)
		}
		if l.kind == &rowKind && again.row != l.row || l.kind == &probeKind && again.probe != l.probe || l.kind == &tickKind && again.tick != l.tick {
			t.Fatalf("%q comes back as %q", text, b)
		}
	})
}

// BenchmarkDecode compares the decoder with encoding/json on a row.
func BenchmarkDecode(b *testing.B) {
	b.Run("ours", func(b *testing.B) {
		d := newDecoder()
		var l line
		b.ReportAllocs()
		for b.Loop() {
			if err := d.decode([]byte(example), &l); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		var r struct {
			At, Arrived                                                                     int64
			App, Version, OS, Target, Outcome, Protocol, Server, Country, Source, Collector string
			Status, Bucket                                                                  uint16
			ASN                                                                             uint32
			Client                                                                          uint64 `json:",string"`
			Raw                                                                             uint64
			Estimated                                                                       float64
		}
		b.ReportAllocs()
		for b.Loop() {
			dec := json.NewDecoder(strings.NewReader(example))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
