package detector

import (
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// Cell has the counts of one bin of one series: sums, the number of clients, and how the requests
// are distributed over them. Cells of the same series and bin may be merged in any order.
type Cell struct {
	model.Series
	End       time.Time // of the bin
	Raw       uint64    // requests that were reported
	Estimated float64   // requests that they stand for
	Clients   sketch.Clients
	Spread    sketch.Spread // of the requests whose clients are known, which may be fewer than Raw
	// the places that the requests came from; empty in cells of older releases
	Places sketch.Places
}

// Merge adds another cell of the same series and bin to c. It does not change o.
func (c *Cell) Merge(o *Cell) {
	c.Raw = sketch.Sum(c.Raw, o.Raw)
	c.Estimated += o.Estimated
	c.Clients.Merge(&o.Clients)
	c.Spread.Merge(&o.Spread)
	c.Places.Merge(&o.Places)
}

// cellKey tells cells apart.
type cellKey struct {
	model.Series
	end int64 // Unix ms
}

// voice is what a client says of one kind of request, whatever the server: by how much it says it
// is told whether it shouts.
type voice struct {
	client  uint64
	app     string
	target  string
	outcome report.Outcome
	source  report.Source
	flags   report.Flags
	end     int64
}

func voiceOf(c *model.Count) voice {
	return voice{c.Client, c.App, c.Target, c.Outcome, c.Source, c.Flags, c.End.UnixMilli()}
}

// Fold sums counts to cells, one for each series and bin, in the order of their first counts. How
// loud a client is follows from all the counts of one call. So callers pass whole pages and not
// single batches.
func Fold(counts []model.Count) []Cell {
	wholes := make(map[voice]uint64, len(counts))
	for i := range counts {
		v := voiceOf(&counts[i])
		wholes[v] = sketch.Sum(wholes[v], counts[i].Raw)
	}
	var cells []Cell
	index := make(map[cellKey]int, len(counts))
	for i := range counts {
		c := &counts[i]
		key := cellKey{c.Series, c.End.UnixMilli()}
		at, known := index[key]
		if !known {
			at = len(cells)
			index[key] = at
			cells = append(cells, Cell{Series: c.Series, End: c.End})
		}
		cell := &cells[at]
		cell.Raw = sketch.Sum(cell.Raw, c.Raw)
		cell.Estimated += c.Estimated
		cell.Clients.Add(c.Client)
		cell.Places.Add(sketch.Place{Bucket: c.Bucket, Raw: c.Raw, Estimated: c.Estimated})
		cell.Spread.Add(sketch.Part{Raw: c.Raw, Estimated: c.Estimated, Whole: wholes[voiceOf(c)]})
	}
	return cells
}
