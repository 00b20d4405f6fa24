package detector

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model/sketch"
)

// coldBins is how many bins before now a judge learns from if there is no snapshot of it: at the
// first start, after an upgrade, or if the width of bins has changed.
const coldBins = 720

// coldSpread is the longest time over which the requests of a bin are spread.
const coldSpread = time.Minute

// newJudging returns a judge that knows nothing.
func newJudging(o judgement.Options, lapse int64) (*judging, error) {
	def(&o.Seed, rand.Uint64())
	judge, err := judgement.New(o)
	if err != nil {
		return nil, err
	}
	return &judging{judge: judge, seed: o.Seed, line: timeline{lapse: lapse}}, nil
}

// learn gives the judge the sums in the store, bin by bin, as if a few clients of each place had
// reported the place's requests, evenly over the bin. This is rough, because the sums know no
// versions and no single clients.
func (j *judging) learn(cells []Cell, width time.Duration) (events []judgement.Event) {
	var rows []judgement.Row
	for i := range cells {
		rows = appendCell(rows, &cells[i], width)
	}
	slices.SortStableFunc(rows, func(a, b judgement.Row) int { return cmp.Compare(a.Arrived, b.Arrived) })
	if len(rows) == 0 {
		return nil
	}
	return j.give(rows, time.UnixMilli(rows[len(rows)-1].Arrived))
}

// parts is the most rows into which the requests of a place in a bin are divided.
const parts = 6

// appendCell appends rows for the requests of a cell.
func appendCell(rows []judgement.Row, c *Cell, width time.Duration) []judgement.Row {
	rest := sketch.Place{Raw: c.Raw, Estimated: c.Estimated}
	for p := range c.Places.Each {
		rows = appendPlace(rows, c, p, width)
		rest.Raw -= min(p.Raw, rest.Raw)
		rest.Estimated = max(rest.Estimated-p.Estimated, 0)
	}
	return appendPlace(rows, c, rest, width) // a cell of a release that stored no places
}

func appendPlace(rows []judgement.Row, c *Cell, p sketch.Place, width time.Duration) []judgement.Row {
	n := min(p.Raw, parts)
	for k := range n {
		at := c.End.Add(width*time.Duration(2*k+1)/time.Duration(2*n) - width).UnixMilli()
		raw := p.Raw / n
		if k < p.Raw%n {
			raw++
		}
		rows = append(rows, judgement.Row{
			At: at, Arrived: at, App: c.App, Target: c.Target, Outcome: c.Outcome, Protocol: c.Protocol, Status: c.Status, Server: c.Server, Source: c.Source,
			ASN: c.ASN, Country: c.Country, Bucket: p.Bucket, Client: uint64(c.ASN)<<32 | uint64(p.Bucket)<<8 | k, Raw: raw, Estimated: p.Estimated / float64(n),
		})
	}
	return rows
}
