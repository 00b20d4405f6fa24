package wire

import (
	"bytes"
	"compress/flate"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// estate invents probe results like those of an estate of servers: names and addresses have a
// pattern, durations are spread over decades, and nothing else repeats.
type estate struct {
	*rand.Rand
	record report.ProbeResults
}

func newEstate() *estate {
	return &estate{rand.New(rand.NewPCG(14, 21)), report.ProbeResults{Vantage: "fra-1-9c41", ASN: 64501, Version: "0.2.0"}}
}

// spread draws a duration in µs around a median, of a lognormal distribution.
func (e *estate) spread(median float64) uint64 {
	return uint64(median * math.Exp(0.6*e.NormFloat64()))
}

// steps have durations that are usual on the Internet.
func (e *estate) steps(names ...string) (all []report.ProbeStep) {
	usual := map[string]float64{"dns": 8_000, "connect": 15_000, "tls": 35_000, "first_byte": 45_000, "body": 400, "query": 12_000, "echo": 14_000}
	for _, name := range names {
		all = append(all, report.ProbeStep{Name: name, Micros: e.spread(usual[name])})
	}
	return all
}

// add adds a target and results of it, each of which make changes.
func (e *estate) add(t report.ProbeTarget, results int, make func(*report.ProbeResult)) {
	e.record.Targets = append(e.record.Targets, t)
	for range results {
		r := report.ProbeResult{Target: len(e.record.Targets) - 1, At: -e.Int64N(30_000), Judgement: report.JudgedUp, Outcome: report.OK, Family: 4, Server: t.Address}
		make(&r)
		e.record.Results = append(e.record.Results, r)
	}
}

// place is where server i of so many stands: rows of 40 in clusters of 50, these in data centres
// of 40.
func place(kind string, i int, address string) report.ProbeTarget {
	return report.ProbeTarget{Name: fmt.Sprintf("web-%06d.prod.example", i), Kind: kind, Address: address, Region: fmt.Sprint("eu-", i/400_000),
		DataCentre: fmt.Sprint("fra-", i/80_000), Cluster: fmt.Sprint("web-", i/2000%40), Row: fmt.Sprint("r", i/40%50)}
}

func (e *estate) sweep(kind string, address func(i int) string, make func(*report.ProbeResult)) *report.ProbeResults {
	numbers := e.Perm(1_000_000)[:500] // a sweep's order takes neighbours apart
	slices.Sort(numbers)
	for _, i := range numbers {
		e.add(place(kind, i, address(i)), 1, make)
	}
	return &e.record
}

func ip4(i int) string { return fmt.Sprintf("10.%d.%d.%d:443", i>>16, i>>8&255, i&255) }
func ip6(i int) string { return fmt.Sprintf("[2001:db8:%x:%x::%x]:443", i>>16, i>>4&0xfff, i&15) }

func (e *estate) https(r *report.ProbeResult) {
	r.Protocol, r.Status, r.Steps = "h2", 200, e.steps("connect", "tls", "first_byte", "body")
}

// fails lets a share of attempts fail in one of the usual ways.
func (e *estate) fails(share float64, r *report.ProbeResult) {
	if e.Float64() >= share {
		return
	}
	r.Judgement, r.Protocol, r.Status = report.JudgedDown, "", 0
	r.Outcome = []report.Outcome{report.TCPTimedOut, report.TCPRefused, report.TCPReset, report.TLSCertDateInvalid}[e.IntN(4)]
	r.Steps = r.Steps[:1+e.IntN(len(r.Steps))]
}

// mixed are the targets of a small installation: names that are looked up, of several kinds.
func (e *estate) mixed() *report.ProbeResults {
	for i, host := range []string{"api", "auth", "cdn", "db", "img", "mail", "mx", "ns", "pay", "search", "shop", "static", "status", "vpn", "www"} {
		t := report.ProbeTarget{Name: host, Kind: []string{"http", "tcp", "dns", "icmp"}[i%4], Address: host + ".shop.example:443", DataCentre: "fra-1", Cluster: "shop"}
		e.add(t, 2, func(r *report.ProbeResult) {
			r.Server = fmt.Sprintf("192.0.2.%d:443", 10+2*i+e.IntN(2))
			switch i % 4 {
			case 0:
				r.Protocol, r.Status, r.Steps = "h2", 200, e.steps("dns", "connect", "tls", "first_byte", "body")
			case 1:
				r.Steps = e.steps("dns", "connect")
			case 2:
				r.Steps = e.steps("dns", "query")
			case 3:
				r.Steps = e.steps("dns", "echo")
			}
		})
	}
	return &e.record
}

// sets are what probers deliver: sweeps, delivered as they go, and targets that are probed every 15
// seconds, delivered each half minute.
var sets = []struct {
	name string
	make func(e *estate) *report.ProbeResults
	// the most bytes for each target and its results, as sent and if DEFLATE were used
	sent, deflated float64
}{
	{"sweep by TCP, IPv4", func(e *estate) *report.ProbeResults {
		return e.sweep("tcp", ip4, func(r *report.ProbeResult) { r.Steps = e.steps("connect") })
	}, 66, 26},
	{"sweep by HTTPS, IPv4", func(e *estate) *report.ProbeResults { return e.sweep("http", ip4, e.https) }, 75, 35},
	{"sweep by HTTPS, IPv6", func(e *estate) *report.ProbeResults {
		return e.sweep("http", ip6, func(r *report.ProbeResult) { e.https(r); r.Family = 6 })
	}, 82, 35},
	{"sweep by HTTPS, a fifth down", func(e *estate) *report.ProbeResults {
		return e.sweep("http", ip4, func(r *report.ProbeResult) { e.https(r); e.fails(0.2, r) })
	}, 75, 35},
	{"500 by HTTPS, twice", func(e *estate) *report.ProbeResults {
		for i := range 500 {
			e.add(place("http", i, ip4(i)), 2, e.https)
		}
		return &e.record
	}, 92, 42},
	{"15 names of several kinds, twice", (*estate).mixed, 110, 60},
}

// TestSizeOfProbeResults holds what docs/rationale.md says of compression.
func TestSizeOfProbeResults(t *testing.T) {
	for _, set := range sets {
		p := set.make(newEstate())
		b, err := report.AppendRecord(nil, p)
		if err != nil {
			t.Fatalf("%s: %v", set.name, err)
		}
		var packed bytes.Buffer
		w, _ := flate.NewWriter(&packed, flate.DefaultCompression) // the level is valid
		_, _ = w.Write(b)                                          // a Buffer takes everything
		_ = w.Close()
		sent, deflated := float64(len(b))/float64(len(p.Targets)), float64(packed.Len())/float64(len(p.Targets))
		t.Logf("%s: %d targets, %d results, %d bytes, %d by DEFLATE; for each target %.1f and %.1f (%.2f)",
			set.name, len(p.Targets), len(p.Results), len(b), packed.Len(), sent, deflated, deflated/sent)
		if sent > set.sent || deflated > set.deflated {
			t.Errorf("%s: %.1f bytes for each target, %.1f by DEFLATE; want at most %.0f and %.0f", set.name, sent, deflated, set.sent, set.deflated)
		}
	}
}
