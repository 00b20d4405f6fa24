package answers

import (
	"cmp"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// origin is a client network or a country. The zero origin is everywhere.
type origin struct {
	asn     uint32
	country string
}

func networkOf(s *model.Series) origin { return origin{asn: s.ASN} }
func countryOf(s *model.Series) origin { return origin{country: s.Country} }

// steps sums cells by step and origin. They must be added in the order of their bins.
type steps struct {
	from, width int64 // Unix milliseconds, milliseconds
	of          func(*model.Series) origin
	step        int64
	row         map[origin]*reach // of the current step
	all         []model.Reach     // of the previous steps
}

// reach is a row of the answer that is being summed.
type reach struct {
	model.Reach
	clients sketch.Clients
}

func newSteps(since time.Time, step time.Duration, of func(*model.Series) origin) *steps {
	return &steps{from: since.UnixMilli(), width: step.Milliseconds(), of: of, row: map[origin]*reach{}}
}

// find finds or makes the row that a cell is part of.
func (g *steps) find(c *shownCell) *reach {
	if step := (c.bin - 1 - g.from) / g.width; step != g.step {
		g.finish()
		g.step = step
	}
	from := g.of(&c.Series)
	r := g.row[from]
	if r == nil {
		r = &reach{Reach: model.Reach{At: time.UnixMilli(g.from + g.step*g.width), ASN: from.asn, Country: from.country}}
		g.row[from] = r
	}
	return r
}

// meet adds a cell's clients.
func (g *steps) meet(c *shownCell, encoded []byte) error { return merge(&g.find(c).clients, encoded) }

// add adds a cell's requests, of which counts are shown.
func (g *steps) add(c *shownCell, counts float64) {
	r := g.find(c)
	tally(&r.OK, &r.Failed, c.Outcome, counts)
}

// finish ends a step, and drops the oldest when there are too many.
func (g *steps) finish() {
	if len(g.all) > 2*model.MaxRows {
		g.all = append(g.all[:0], g.all[len(g.all)-model.MaxRows:]...)
	}
	first := len(g.all)
	for _, r := range g.row {
		r.Clients = uint64(r.clients.Count())
		g.all = append(g.all, r.Reach)
	}
	slices.SortFunc(g.all[first:], func(a, b model.Reach) int {
		return cmp.Or(cmp.Compare(a.ASN, b.ASN), cmp.Compare(a.Country, b.Country))
	})
	clear(g.row)
}

// rows returns the sums, at most model.MaxRows of the latest.
func (g *steps) rows() []model.Reach {
	g.finish()
	return g.all[max(len(g.all)-model.MaxRows, 0):]
}

// merge adds an encoded set of clients to another.
func merge(to *sketch.Clients, encoded []byte) error {
	var clients sketch.Clients
	if err := clients.Decode(encoded); err != nil {
		return err
	}
	to.Merge(&clients)
	return nil
}

// tally adds requests with an outcome to one of two sums.
func tally(ok, failed *float64, o report.Outcome, requests float64) {
	if o == report.OK {
		*ok += requests
	} else {
		*failed += requests
	}
}
