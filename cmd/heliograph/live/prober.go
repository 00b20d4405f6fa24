package live

import (
	"slices"
	"strconv"
	"strings"

	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/simulate"
)

// prober makes batches of what simulated vantages find, as their probers do.
type prober struct {
	found map[string][]simulate.Probe // by vantage, since the last tick
	// failures in a row, by vantage and server
	failing map[[2]string]int
}

// downAfter is after how many failures in a row a prober judges that a server is down.
const downAfter = 2

func newProber() *prober {
	return &prober{found: map[string][]simulate.Probe{}, failing: map[[2]string]int{}}
}

func (p *prober) add(r simulate.Probe) { p.found[r.Vantage] = append(p.found[r.Vantage], r) }

// take returns a batch for each vantage that has found something. They are born at a simulated
// time.
func (p *prober) take(at int64) (all []*batch) {
	for vantage, found := range p.found {
		if len(found) == 0 {
			continue
		}
		number, err := strconv.Atoi(strings.TrimPrefix(vantage, "v"))
		if err != nil {
			continue
		}
		for part := range slices.Chunk(found, report.MaxProbeTargets) {
			all = append(all, &batch{from: simulate.VantageAddress(number - 1).String(),
				header:  report.Header{Source: report.SourceProber, App: "heliograph-prober", Consent: report.Counts},
				records: []report.Record{p.results(part, at)}})
		}
		p.found[vantage] = found[:0]
	}
	return all
}

// results returns the record of what one vantage has found, for a batch that is born at a time.
func (p *prober) results(found []simulate.Probe, at int64) *report.ProbeResults {
	r := &report.ProbeResults{Vantage: found[0].Vantage, ASN: found[0].VantageASN}
	var names []string
	for i := range found {
		names = append(names, found[i].Server)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, name := range names {
		r.Targets = append(r.Targets, report.ProbeTarget{Name: name, Address: name, Kind: "http"})
	}
	for i := range found {
		f := &found[i]
		target, _ := slices.BinarySearch(names, f.Server)
		key := [2]string{f.Vantage, f.Server}
		judged := report.JudgedUp
		if p.failing[key]++; f.Outcome == report.OK {
			p.failing[key] = 0
		} else if p.failing[key] >= downAfter {
			judged = report.JudgedDown
		}
		r.Results = append(r.Results, report.ProbeResult{Target: target, At: f.At - at, Judgement: judged, Outcome: f.Outcome, Server: f.Server})
	}
	return r
}
