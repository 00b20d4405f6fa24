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

// wholes numbers the voices of counts. It returns for each count the number of its voice, and for
// each voice the requests that were reported.
func wholes(counts []model.Count) (of []int32, sums []uint64) {
	of = make([]int32, len(counts))
	numbers := make(map[voice]int32, len(counts))
	for i := range counts {
		v := voiceOf(&counts[i])
		n, known := numbers[v]
		if !known {
			n = int32(len(sums))
			numbers[v], sums = n, append(sums, 0)
		}
		of[i], sums[n] = n, sketch.Sum(sums[n], counts[i].Raw)
	}
	return of, sums
}

// Fold sums counts to cells, one for each series and bin, in the order of their first counts. How
// loud a client is follows from all the counts of one call. So callers pass whole pages and not
// single batches.
func Fold(counts []model.Count) []Cell {
	voices, sums := wholes(counts)
	of, n := cellNumbers(counts)
	cells := make([]Cell, n)
	for i := range counts {
		c, cell := &counts[i], &cells[of[i]]
		if cell.End.IsZero() {
			cell.Series, cell.End = c.Series, c.End
		}
		cell.Raw = sketch.Sum(cell.Raw, c.Raw)
		cell.Estimated += c.Estimated
		cell.Clients.Add(c.Client)
		cell.Places.Add(sketch.Place{Bucket: c.Bucket, Raw: c.Raw, Estimated: c.Estimated})
		cell.Spread.Add(sketch.Part{Raw: c.Raw, Estimated: c.Estimated, Whole: sums[voices[i]]})
	}
	return cells
}

// cellNumbers returns for each count the number of its cell, and how many cells there are.
func cellNumbers(counts []model.Count) (of []int32, n int) {
	type key struct {
		model.Series
		end int64
	}
	of = make([]int32, len(counts))
	numbers := make(map[key]int32, len(counts))
	for i := range counts {
		k := key{counts[i].Series, counts[i].End.UnixMilli()}
		number, known := numbers[k]
		if !known {
			number = int32(len(numbers))
			numbers[k] = number
		}
		of[i] = number
	}
	return of, len(numbers)
}
