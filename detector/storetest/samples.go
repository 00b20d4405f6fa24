package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// utc converts the times of samples to UTC, so that samples can be compared.
func utc(all []model.Sample) []model.Sample {
	for i := range all {
		all[i].At = all[i].At.UTC()
	}
	return all
}

func (t *eventsTest) samples(q model.SampleQuery) []model.Sample {
	t.Helper()
	all, err := t.Samples(t.Context(), q)
	must(t.T, err)
	return utc(all)
}

// request returns a sample with all fields of a request.
func request(sec int, o report.Outcome, target string) model.Sample {
	return model.Sample{At: at(sec).UTC(), App: "shop", Version: "1", OS: "linux", Source: report.SourceAgent, Target: target, URL: target + "/cart",
		Method: "GET", Outcome: o, Phase: o.Phase(), Protocol: "h2", Server: "a:1", Status: 503, Elapsed: 5 * time.Millisecond,
		TraceID: [16]byte{1, 2}, Flags: report.FlagRetry, ASN: 7, Country: "XA"}
}

func samples(t *eventsTest) {
	one, two, three := request(1, report.TCPReset, "https://a.test"), request(2, report.TLSCertDateInvalid, "https://a.test"), request(3, report.TCPReset, "https://b.test")
	two.ASN, two.Country, two.Server, two.Protocol = 8, "XB", "b:1", "h3"
	b := batch(1)
	b.Samples = []model.Sample{one, three, two}
	t.append(b)
	for name, c := range map[string]struct {
		q    model.SampleQuery
		want []model.Sample
	}{
		"all":        {model.SampleQuery{}, []model.Sample{three, two, one}},
		"limited":    {model.SampleQuery{Limit: 1}, []model.Sample{three}},
		"by prefix":  {model.SampleQuery{Type: "tls.cert"}, []model.Sample{two}},
		"not a word": {model.SampleQuery{Type: "tls.ce"}, nil},
		"by target":  {model.SampleQuery{Target: "https://a.test"}, []model.Sample{two, one}},
		"since":      {model.SampleQuery{Since: at(3)}, []model.Sample{three}},
		"until":      {model.SampleQuery{Until: at(2)}, []model.Sample{one}},
		"network":    {model.SampleQuery{Scope: model.Scope{ASNs: []uint32{8, 9}}}, []model.Sample{two}},
		"country":    {model.SampleQuery{Scope: model.Scope{Countries: []string{"XA"}}}, []model.Sample{three, one}},
		"server":     {model.SampleQuery{Scope: model.Scope{Servers: []string{"b:1"}}}, []model.Sample{two}},
		"protocols":  {model.SampleQuery{Scope: model.Scope{Protocols: []string{"h2", "h3"}}}, []model.Sample{three, two, one}},
		"nobody's":   {model.SampleQuery{Scope: model.Scope{Protocols: []string{"h2"}, Servers: []string{"b:1"}}}, nil},
	} {
		if got := t.samples(c.q); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	more := batch(2)
	for range 200 {
		more.Samples = append(more.Samples, one)
	}
	t.append(more)
	if n, all := len(t.samples(model.SampleQuery{})), len(t.samples(model.SampleQuery{Limit: 1000})); n != 100 || all != 203 {
		t.Errorf("%d samples without a limit and %d with a large one, want 100 and 203", n, all)
	}
}

// searched: samples are found by fields and words.
func searched(t *eventsTest) {
	timeout, thrown := request(1, report.TCPTimedOut, shop), appError(4, 9)
	timeout.Version, timeout.ASN, timeout.Status, timeout.TraceID = "2.0", 64501, 0, [16]byte{0xab, 15: 0xcd}
	expired := request(2, report.TLSCertDateInvalid, "https://api.test")
	thrown.At, thrown.App, thrown.Error.Message = thrown.At.UTC(), "Kasse", "Größe: cart.total is not a function"
	early := request(-3*3600, report.TCPReset, shop)
	early.URL = shop + "/item/lamp"
	b := batch(1)
	b.Samples = []model.Sample{timeout, expired, early, thrown}
	t.append(b)
	thrown.Client = 0
	for text, want := range map[string][]model.Sample{
		"version:2.0":                            {timeout},
		"release:1 asn:AS7 os:linux":             {expired, early},
		"outcome:tls.cert app:shop":              {expired},
		"outcome:tls.ce":                         nil,
		"target:api.test country:xa":             {expired},
		"server:a:1 method:get protocol:h2":      {expired, timeout, early},
		"status:503":                             {expired, early},
		"status:x":                               nil,
		"trace:AB0000000000000000000000000000cd": {timeout},
		"trace:12":                               nil,
		"error:" + thrown.Error.Type:             {thrown},
		"app:kasse total":                        {thrown},
		"größe":                                  {thrown},
		`"not a function"`:                       {thrown},
		`"function not"`:                         nil,
		"cart":                                   {thrown, expired, timeout},
		"lamp":                                   {early},
		"LAM":                                    nil,
		"/item/lamp source:agent":                {early},
		fmt.Sprintf("fingerprint:%x", thrown.Error.Fingerprint): {thrown},
	} {
		if got := t.samples(model.SampleQuery{Text: text}); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v\nwant %+v", text, got, want)
		}
	}
	for name, c := range map[string]struct {
		q    model.SampleQuery
		want []model.Sample
	}{
		"limited":    {model.SampleQuery{Limit: 1}, []model.Sample{expired}},
		"since":      {model.SampleQuery{Since: at(1)}, []model.Sample{expired, timeout}},
		"until":      {model.SampleQuery{Until: at(2)}, []model.Sample{timeout, early}},
		"by outcome": {model.SampleQuery{Type: "tcp"}, []model.Sample{timeout, early}},
		"by target":  {model.SampleQuery{Target: shop, Type: "tcp.reset"}, []model.Sample{early}},
		"by network": {model.SampleQuery{Scope: model.Scope{ASNs: []uint32{64501, 64502}}}, []model.Sample{timeout}},
	} {
		c.q.Text = "protocol:h2"
		if got := t.samples(c.q); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if _, err := t.Samples(t.Context(), model.SampleQuery{Text: `"open`}); !errors.Is(err, model.ErrQuery) {
		t.Errorf("%v, want ErrQuery", err)
	}
	must(t.T, t.Forget(t.Context(), []uint64{9}))
	if got := t.samples(model.SampleQuery{Text: "function"}); len(got) != 0 {
		t.Errorf("%+v: found after its deletion", got)
	}
}

// samplesInFull: application errors are read as they were stored, and are not part of counts.
func samplesInFull(t *eventsTest) {
	want := appError(5, 9)
	want.At = want.At.UTC()
	b := batch(1)
	b.Samples = []model.Sample{want, request(1, report.TCPReset, shop)}
	t.append(b)
	want.Client = 0 // it is not returned
	if got := t.samples(model.SampleQuery{Type: "app.panic"}); !reflect.DeepEqual(got, []model.Sample{want}) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := t.total(model.TotalsQuery{}); got != (model.Total{}) {
		t.Errorf("%+v: a sample is counted", got)
	}
}

func forgotten(t *eventsTest) {
	b := batch(1)
	var gone []uint64
	for c := range uint64(1500) {
		b.Counts = append(b.Counts, count(2, c, 1, 1, reset))
		b.Samples = append(b.Samples, appError(1, c+1))
		if c+1 != 8 {
			gone = append(gone, c+1)
		}
	}
	t.append(b)
	before := t.total(model.TotalsQuery{})
	for range 2 {
		must(t.T, t.Forget(t.Context(), append(gone, 1<<63+7))) // the last client is unknown
	}
	if all := t.samples(model.SampleQuery{Limit: 2000}); len(all) != 1 {
		t.Errorf("%d samples, want the one of a client that is not forgotten", len(all))
	}
	if after := t.total(model.TotalsQuery{}); after != before {
		t.Errorf("sums were %+v and are %+v", before, after)
	}
	late := batch(2)
	late.Samples = []model.Sample{appError(1, gone[0])}
	t.append(late) // whose samples are taken is decided above
	if all := t.samples(model.SampleQuery{}); len(all) != 2 {
		t.Errorf("%d samples, want 2", len(all))
	}
}

// attempt returns a probe result with all fields.
func attempt(sec int, vantage, target string) model.ProbeResult {
	return model.ProbeResult{
		Vantage: vantage, VantageASN: 64500, At: at(sec).UTC(), Judgement: report.JudgedDown, Outcome: report.TCPRefused,
		Target: model.ProbeTarget{Name: target, Address: "192.0.2.1:443", Kind: "http", Region: "eu", DataCentre: "north", Cluster: "k1", Row: "r2"},
		Steps:  []model.ProbeStep{{Name: "dns", Took: 1500 * time.Microsecond}, {Name: "connect", Took: 20 * time.Millisecond}},
		Family: 4, Server: "192.0.2.1:443", Protocol: "h2", Status: 503, Version: "0.2.0",
	}
}

func (t *eventsTest) probes(q model.ProbeQuery) []model.ProbeResult {
	t.Helper()
	all, err := t.ProbeResults(t.Context(), q)
	must(t.T, err)
	for i := range all {
		all[i].At = all[i].At.UTC()
	}
	return all
}

func probes(t *eventsTest) {
	one, two, three := attempt(1, "v1", "web1"), attempt(2, "v2", "web1"), attempt(3, "v1", "web2")
	two.Steps, two.Judgement, two.Outcome, two.Target.Address = nil, report.JudgedUp, report.OK, "moved:443"
	b := batch(1)
	b.Probes = []model.ProbeResult{three, one}
	t.append(b)
	must(t.T, t.AddProbes(t.Context(), []model.ProbeResult{two}))
	for name, c := range map[string]struct {
		q    model.ProbeQuery
		want []model.ProbeResult
	}{
		"all":        {model.ProbeQuery{}, []model.ProbeResult{three, two, one}},
		"limited":    {model.ProbeQuery{Limit: 2}, []model.ProbeResult{three, two}},
		"by target":  {model.ProbeQuery{Target: "web1"}, []model.ProbeResult{two, one}},
		"by vantage": {model.ProbeQuery{Vantage: "v1"}, []model.ProbeResult{three, one}},
		"by both":    {model.ProbeQuery{Vantage: "v1", Target: "web1"}, []model.ProbeResult{one}},
		"since":      {model.ProbeQuery{Since: at(2)}, []model.ProbeResult{three, two}},
		"unknown":    {model.ProbeQuery{Target: "web9"}, nil},
	} {
		if got := t.probes(c.q); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

func latestProbes(t *eventsTest) {
	moved := attempt(9, "v1", "web1")
	moved.Target.Address = "198.51.100.1:443" // it is still the same target
	must(t.T, t.AddProbes(t.Context(), []model.ProbeResult{attempt(5, "v1", "web1"), moved, attempt(4, "v1", "web1"),
		attempt(6, "v2", "web1"), attempt(2, "v2", "web2"), attempt(7, "v2", "web2"), attempt(1, "v3", "web3")}))
	got := map[[2]string]model.ProbeResult{}
	must(t.T, t.LatestProbes(t.Context(), at(2), func(r model.ProbeResult) error {
		r.At = r.At.UTC()
		if _, twice := got[[2]string{r.Vantage, r.Target.Name}]; twice {
			t.Errorf("%s of %s comes twice", r.Target.Name, r.Vantage)
		}
		got[[2]string{r.Vantage, r.Target.Name}] = r
		return nil
	}))
	want := map[[2]string]model.ProbeResult{{"v1", "web1"}: moved, {"v2", "web1"}: attempt(6, "v2", "web1"), {"v2", "web2"}: attempt(7, "v2", "web2")}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	enough := errors.New("enough")
	if err := t.LatestProbes(t.Context(), start, func(model.ProbeResult) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v, want the function's own error", err)
	}
}

// pruneEvents: old data is deleted completely, and recent data stays.
func pruneEvents(t *eventsTest) {
	now := start.Add(100 * day)
	ages := []time.Duration{0, day, 3 * day, 8 * day, 29 * day, 32 * day, 50 * day}
	for n, age := range ages {
		when := now.Add(-age)
		c := count(0, uint64(n), 1, 1, model.Series{Outcome: report.OK, ASN: uint32(n)})
		c.End = when
		b := batch(n+1, c)
		b.Received = when
		b.Samples = []model.Sample{{At: when}}
		probe := attempt(0, "v1", "web"+string(rune('0'+n)))
		probe.At = when
		b.Probes = []model.ProbeResult{probe}
		t.append(b)
	}
	count := func(what string, want int, got int, err error) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("%d %s, %v; want %d", got, what, err, want)
		}
	}
	for range 2 { // the second time, there is nothing to do
		must(t.T, t.Prune(t.Context(), now, detector.Retention{}))
		cells, err := t.Cells(t.Context(), time.Time{}, now)
		count("cells", 5, len(cells), err)
		samples, err := t.Samples(t.Context(), model.SampleQuery{})
		count("samples", 3, len(samples), err)
		probes, err := t.ProbeResults(t.Context(), model.ProbeQuery{})
		count("probe results", 3, len(probes), err)
		batches, err := t.Batches(t.Context(), time.Time{})
		count("batches", 5, int(batches), err)
		series := 0
		err = t.EachSeries(t.Context(), func(model.Series) error { series++; return nil })
		count("series", 5, series, err)
	}
	again := batch(7) // its id and its series are deleted, also from caches
	again.Counts = append(again.Counts, model.Count{Series: model.Series{Outcome: report.OK, ASN: 6}, Client: client(6), End: now, Raw: 1, Estimated: 1})
	if isNew := t.append(again); !isNew[0] {
		t.Error("a batch whose id was deleted is not new")
	}
	if got := t.total(model.TotalsQuery{Since: now.Add(-time.Second)}); got.OK != 2 || got.Clients != 2 {
		t.Errorf("%+v, want two requests of two clients", got)
	}
	must(t.T, t.Prune(t.Context(), now, detector.Retention{Rollups: time.Hour, Samples: time.Hour}))
	cells, err := t.Cells(t.Context(), time.Time{}, now)
	count("cells after a shorter retention", 2, len(cells), err)
}
