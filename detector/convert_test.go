package detector

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

const (
	shop    = "https://shop.test"
	testBin = 2 * time.Second
)

const received = 1_700_000_000_500 // ms; a bin of two seconds ends at …002_000

func testOpener() *opener {
	return &opener{keys: seal.NewKeyring(TestKey), bin: testBin, maxAge: time.Hour}
}

func envelope(t *testing.T, d report.Delivery, records ...any) *report.Envelope {
	return &report.Envelope{Seq: 1, Batch: BatchNumber(9), Received: received, Collector: "c2", ASN: 64502, Country: "XA", Delivery: d,
		Segment: Seal(t, BatchNumber(9), records...)}
}

func window(end int64, length uint64, ppm uint32, counters ...report.Counter) *report.Window {
	return &report.Window{End: end, Length: length, SampledPPM: ppm, Counters: counters}
}

var okCounter = report.Counter{Target: shop, Outcome: report.OK, Protocol: "h2", Server: "192.0.2.1:443", Status: 200, Count: 3}

func TestEventTimeIsTheCollectorsClockLessTheAge(t *testing.T) {
	for name, c := range map[string]struct {
		age    uint64
		end    int64
		length uint64
		now    int64 // ms after received
		want   int64 // end of the bin, ms
	}{
		"fresh":                     {3000, 3000, 2000, 0, 1_700_000_000_000},
		"ended a second ago":        {3000, 2000, 2000, 0, 1_700_000_000_000},
		"before the segment":        {3000, -4000, 1000, 0, 1_699_999_994_000},
		"a minute old":              {60_000, 0, 2000, 0, 1_699_999_940_000},
		"older than the most":       {2 * 3600_000, 0, 2000, 0, 1_699_996_402_000},
		"in the future":             {0, 60_000, 2000, 0, 1_700_000_002_000},
		"the collector is ahead":    {1000, 1000, 2, -10_000, 1_699_999_992_000},
		"on the border of two bins": {500, 0, 0, 0, 1_700_000_002_000},
	} {
		w := window(c.end, max(c.length, 1), report.FullPPM, okCounter)
		b, _, err := testOpener().open(envelope(t, report.Delivery{Age: c.age}, ShopHeader(7), w), time.UnixMilli(received+c.now))
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Counts[0].End.UnixMilli(); got != c.want {
			t.Errorf("%s: bin ends at %d, want %d", name, got, c.want)
		}
	}
}

func TestCountsCarryWeightAndOrigin(t *testing.T) {
	failed := report.Counter{Target: shop, Outcome: report.TCPReset, Server: "192.0.2.1:443", Flags: report.FlagRetry, Count: report.MaxCount}
	d := report.Delivery{Age: 2000, Path: []report.Attempt{{Collector: "c1", Outcome: report.TCPRefused}, {Collector: "c1", Outcome: report.OK}}}
	h := ShopHeader(7)
	h.Drops = []report.Drop{{Reason: report.DropExpired, Count: 2}}
	other := &report.Header{Source: report.SourceBrowser, App: "web", Consent: report.Counts}
	s := &report.Sample{At: 500, URL: shop + "/cart/:id", Method: "GET", Outcome: report.TCPReset, Phase: report.PhaseConnection, ElapsedMS: 40}
	b, _, err := testOpener().open(envelope(t, d, h, window(2000, 2000, 250_000, okCounter, failed), FutureRecord, s, other,
		window(2000, 2000, report.FullPPM, okCounter)), time.UnixMilli(received))
	if err != nil {
		t.Fatal(err)
	}
	series := model.Series{App: "shop", Target: shop, Outcome: report.OK, Protocol: "h2", Status: 200, Server: "192.0.2.1:443", ASN: 64502, Country: "XA", Source: report.SourceAgent}
	reset, web := series, series
	reset.Outcome, reset.Protocol, reset.Status, reset.Flags = report.TCPReset, "", 0, report.FlagRetry
	web.App, web.Source = "web", report.SourceBrowser
	refused := model.Series{App: model.DeliveryApp, Target: "collector:c1", Outcome: report.TCPRefused, ASN: 64502, Country: "XA", Source: report.SourceBrowser}
	took := refused
	took.Target, took.Outcome = "collector:c2", report.OK
	bin, now := time.UnixMilli(1_700_000_000_000), time.UnixMilli(1_700_000_002_000)
	count := func(s model.Series, client uint64, end time.Time, raw uint64, estimated float64) model.Count {
		return model.Count{Series: s, Client: client, End: end, Raw: raw, Estimated: estimated}
	}
	want := []model.Count{
		count(series, 7, bin, 3, 12), count(reset, 7, bin, report.MaxCount, 4*report.MaxCount), count(web, 7, bin, 3, 3),
		count(refused, 7, now, 1, 1), count(took, 7, now, 1, 1),
	}
	for i := range want[:3] { // deliveries have no window
		want[i].Length = 2 * time.Second
	}
	if !slices.Equal(b.Counts, want) {
		t.Errorf("counts\n got %+v\nwant %+v", b.Counts, want)
	}
	sample := model.Sample{At: time.UnixMilli(received - 1500), App: "shop", Version: "1.2", OS: "linux", Source: report.SourceAgent, Target: shop, URL: s.URL,
		Method: "GET", Outcome: report.TCPReset, Phase: report.PhaseConnection, Elapsed: 40 * time.Millisecond, ASN: 64502, Country: "XA", Client: 7}
	if !slices.Equal(b.Samples, []model.Sample{sample}) {
		t.Errorf("samples %+v, want %+v", b.Samples, sample)
	}
	if b.App != "shop" || b.Records != 5 || b.unknown != 1 || len(b.drops) != 1 || b.ID != BatchNumber(9) {
		t.Errorf("%+v", b)
	}
}

func TestOldAttemptsBlameThePast(t *testing.T) {
	d := report.Delivery{Age: 600_000, Path: []report.Attempt{{Collector: "c1", Outcome: report.DNSFailed}}}
	b, _, err := testOpener().open(envelope(t, d, ShopHeader(7), window(0, 2000, report.FullPPM, okCounter)), time.UnixMilli(received))
	if err != nil {
		t.Fatal(err)
	}
	attempt, took := b.Counts[1], b.Counts[2]
	if age := took.End.Sub(attempt.End); age < 290*time.Second || age > 310*time.Second {
		t.Errorf("the attempt counts %v before the receipt, want the middle of ten minutes", age)
	}
}

func TestUnusableBatchesHaveReasons(t *testing.T) {
	foreign, err := seal.GenerateOpenKey()
	if err != nil {
		t.Fatal(err)
	}
	good := func() *report.Envelope {
		return envelope(t, report.Delivery{}, ShopHeader(7), window(0, 1, report.FullPPM, okCounter))
	}
	reserved := okCounter
	reserved.Target = "collector:c1"
	for name, c := range map[string]struct {
		reason string
		opener *opener
		e      *report.Envelope
		spoil  func(e *report.Envelope)
	}{
		"another key":     {ReasonUnknownKey, &opener{keys: seal.NewKeyring(foreign), bin: testBin, maxAge: time.Hour}, good(), nil},
		"a flipped bit":   {ReasonOpen, nil, good(), func(e *report.Envelope) { e.Segment[len(e.Segment)-9] ^= 1 }},
		"cut off":         {ReasonSegment, nil, good(), func(e *report.Envelope) { e.Segment = e.Segment[:len(e.Segment)-1] }},
		"nothing":         {ReasonSegment, nil, good(), func(e *report.Envelope) { e.Segment = nil }},
		"another's id":    {ReasonID, nil, good(), func(e *report.Envelope) { e.Batch[0]++ }},
		"no header":       {ReasonHeader, nil, envelope(t, report.Delivery{}, window(0, 1, report.FullPPM, okCounter), ShopHeader(7)), nil},
		"only the future": {ReasonHeader, nil, envelope(t, report.Delivery{}, FutureRecord), nil},
		"garbage":         {ReasonRecord, nil, envelope(t, report.Delivery{}, ShopHeader(7), []byte{0xff}), nil},
		"a forged path":   {ReasonRecord, nil, envelope(t, report.Delivery{}, ShopHeader(7), window(0, 1, report.FullPPM, reserved)), nil},
	} {
		if c.opener == nil {
			c.opener = testOpener()
		}
		if c.spoil != nil {
			c.spoil(c.e)
		}
		if b, reason, err := c.opener.open(c.e, time.UnixMilli(received)); b != nil || reason != c.reason || err == nil || strings.Contains(err.Error(), "shop") {
			t.Errorf("%s: %v %q %v, want reason %q", name, b, reason, err, c.reason)
		}
	}
	if _, reason, err := testOpener().open(good(), time.UnixMilli(received)); err != nil {
		t.Errorf("unspoiled: %s %v", reason, err)
	}
}

func TestClientsAreToldApart(t *testing.T) {
	seen := map[uint64]bool{}
	for i := range uint64(200) {
		seen[clientOf(ShopHeader(i+1).Client, BatchNumber(1))] = true
		seen[clientOf([16]byte{}, BatchNumber(1_000_000+i))] = true
	}
	seen[clientOf([16]byte{15: 1}, BatchNumber(0))] = true // the first half is zero
	if len(seen) != 400 || seen[0] {
		t.Errorf("%d of 400 told apart, 0 among them: %v", len(seen), seen[0])
	}
}
