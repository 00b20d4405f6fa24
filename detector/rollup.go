package detector

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/detector/shown"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// RollupCell has the requests of one key in one minute. Cells of the same key and minute may be
// merged in any order, and the cells of an hour's minutes to a cell of the hour.
type RollupCell struct {
	model.RollupKey
	At        time.Time // start of the minute
	Raw       uint64    // requests that were reported
	Estimated float64   // requests that they stand for, of each place up to a limit
	Clients   sketch.Clients
}

const (
	// maxRollups is how many cells of a minute RollUp returns at most; a network has a quarter at
	// most. Beyond it, cells are merged into coarser ones.
	maxRollups        = 4096
	maxNetworkRollups = maxRollups / 4
)

// RollUp sums the applications' requests among rows by minute and key, for implementations of
// [Events]. What a place reports counts up to the limit of package shown. RollUp returns a bounded
// number of cells for each minute: if there are more, those of the networks that have the most are
// merged, first those that differ by operating system, then by outcome, and so on. So callers pass
// the rows of a minute or more, not single pages.
//
// How long requests took makes cells of its own, by octaves (see [model.TookOutcome]), as many as
// those of requests at most.
func RollUp(rows []judgement.Row) []RollupCell {
	var requests, durations []judgement.Row
	for i := range rows {
		if rows[i].Took == nil {
			requests = append(requests, rows[i])
		} else {
			durations = appendOctaves(durations, &rows[i])
		}
	}
	return append(rollUp(requests), rollUp(durations)...)
}

// appendOctaves appends a row for each octave of how long a row's requests took.
func appendOctaves(rows []judgement.Row, r *judgement.Row) []judgement.Row {
	weight := r.Estimated / float64(max(r.Raw, 1))
	for _, b := range *r.Took {
		o := model.TookOutcome(b.Index)
		if n := len(rows); n == 0 || rows[n-1].Outcome != o || rows[n-1].Client != r.Client || rows[n-1].At != r.At || rows[n-1].Target != r.Target {
			one := *r
			one.Outcome, one.OS, one.Took, one.Raw, one.Estimated = o, "", nil, 0, 0
			rows = append(rows, one)
		}
		last := &rows[len(rows)-1]
		last.Raw = sketch.Sum(last.Raw, b.Count)
		last.Estimated += float64(b.Count) * weight
	}
	return rows
}

func rollUp(rows []judgement.Row) []RollupCell {
	minutes := map[int64]*rollupMinute{}
	for i := range rows {
		r := &rows[i]
		if r.App == model.DeliveryApp && strings.HasPrefix(r.Target, model.CollectorTarget) {
			continue
		}
		start := time.UnixMilli(r.At - 1).Truncate(time.Minute) // At is the end of a window
		m := minutes[start.UnixMilli()]
		if m == nil {
			m = &rollupMinute{at: start, cells: map[model.RollupKey]*rollupSum{}}
			minutes[start.UnixMilli()] = m
		}
		m.add(r)
	}
	var all []RollupCell
	for _, m := range minutes {
		all = append(all, m.finish()...)
	}
	slices.SortFunc(all, func(a, b RollupCell) int {
		return cmp.Or(a.At.Compare(b.At), compareRollups(&a.RollupKey, &b.RollupKey))
	})
	return all
}

// RollUpErrors sums application errors like [RollUp]. Each sample counts as one, however many
// errors it stands for, so that one client with a loop does not make up a sum. hash returns the
// hash of a client of a sample.
func RollUpErrors(errs []model.Sample, hash func(client uint64) uint64) []RollupCell {
	rows := make([]judgement.Row, len(errs))
	for i := range errs {
		e := &errs[i]
		rows[i] = judgement.Row{At: e.At.UnixMilli() + 1, App: e.App, Version: e.Version, OS: e.OS, Target: e.Target, Outcome: e.Outcome, ASN: e.ASN, Country: e.Country,
			Source: e.Source, Client: hash(e.Client), Raw: 1, Estimated: 1}
	}
	return RollUp(rows)
}

// compareRollups puts keys into a fixed order, networks together.
func compareRollups(a, b *model.RollupKey) int {
	return cmp.Or(cmp.Compare(a.ASN, b.ASN), cmp.Compare(a.App, b.App), cmp.Compare(a.Version, b.Version), cmp.Compare(a.OS, b.OS),
		cmp.Compare(a.Target, b.Target), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Country, b.Country), cmp.Compare(a.Source, b.Source))
}

// rollupSum is a cell that is being summed.
type rollupSum struct {
	RollupCell
	places sketch.Places
}

// rollupMinute has the cells of a minute.
type rollupMinute struct {
	at    time.Time
	cells map[model.RollupKey]*rollupSum
}

func (m *rollupMinute) add(r *judgement.Row) {
	key := model.RollupKey{App: r.App, Version: r.Version, OS: r.OS, Target: r.Target, Outcome: r.Outcome, ASN: r.ASN, Country: r.Country, Source: r.Source}
	c := m.cells[key]
	if c == nil {
		c = &rollupSum{RollupCell: RollupCell{RollupKey: key, At: m.at}}
		m.cells[key] = c
	}
	c.Raw = sketch.Sum(c.Raw, r.Raw)
	c.Estimated += r.Estimated
	c.Clients.Add(r.Client)
	c.places.Add(sketch.Place{Bucket: r.Bucket, Raw: r.Raw, Estimated: r.Estimated})
}

// finish limits what each place counts for, and the number of cells.
func (m *rollupMinute) finish() (all []RollupCell) {
	var bin shown.Bin
	for _, c := range m.cells {
		bin.Add(populationOf(&c.RollupKey), c.ASN, &c.places)
	}
	networks := map[uint32][]RollupCell{}
	for _, c := range m.cells {
		c.Estimated = bin.Counts(populationOf(&c.RollupKey), c.ASN, &c.places, c.Estimated)
		networks[c.ASN] = append(networks[c.ASN], c.RollupCell)
	}
	most := rollupShare(networks)
	for _, cells := range networks {
		all = append(all, fewer(cells, most)...)
	}
	return all
}

func populationOf(k *model.RollupKey) shown.Population {
	return shown.Population{App: k.App, Target: k.Target, Source: k.Source}
}

// rollupShare returns how many cells each network may have: who has fewer keeps all.
func rollupShare(networks map[uint32][]RollupCell) int {
	var counts []int
	for _, cells := range networks {
		counts = append(counts, min(len(cells), maxNetworkRollups))
	}
	slices.Sort(counts)
	room := maxRollups
	for i, n := range counts {
		if share := room / (len(counts) - i); n > share {
			return max(share, 1)
		}
		room -= n
	}
	return maxNetworkRollups
}

// fewer merges the cells of a network until there are at most most, or no more can be merged.
func fewer(cells []RollupCell, most int) []RollupCell {
	for level := 1; len(cells) > most && level <= coarsest; level++ {
		merged := map[model.RollupKey]*RollupCell{}
		for i := range cells {
			c := &cells[i]
			c.RollupKey = coarse(c.RollupKey, level)
			if m := merged[c.RollupKey]; m != nil {
				m.Merge(c)
			} else {
				merged[c.RollupKey] = c
			}
		}
		kept := make([]RollupCell, 0, len(merged))
		for _, m := range merged {
			kept = append(kept, *m)
		}
		cells = kept
	}
	return cells
}

// Merge adds another cell of the same key and minute to c. It does not change o.
func (c *RollupCell) Merge(o *RollupCell) {
	c.Raw = sketch.Sum(c.Raw, o.Raw)
	c.Estimated += o.Estimated
	c.Clients.Merge(&o.Clients)
}

// coarsest is the last level of coarse, at which a network has three cells for each source and
// country: of success, failure and application errors.
const coarsest = 4

// coarse removes what tells keys apart, level by level. A removed name is replaced by "(other)".
func coarse(k model.RollupKey, level int) model.RollupKey {
	switch level {
	case 1:
		k.OS = other
	case 2:
		if k.OfErrors() {
			k.Outcome = report.AppError
		} else if k.OfDurations() {
			break
		} else if k.Outcome != report.OK {
			k.Outcome = report.Unknown
		}
	case 3:
		k.Target = other
	case 4:
		k.App, k.Version = other, other
	}
	return k
}
