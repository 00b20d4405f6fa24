package replay

import (
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Rows passes rows to a judge as [Cells] passes the rows of a file. Programs that have the rows of
// a simulation in memory use it. It is not safe for concurrent use.
type Rows struct {
	Judge *judgement.Judge

	slow bool // a row told of slow requests
}

// untold is how long requests took of which only the outcome says whether they were slow.
var untold report.Histogram

// Add takes a row. A row whose outcome is [model.Slow] is of requests that succeeded and took too
// long. From the first of them on, rows of successes also say how many did not.
func (a *Rows) Add(r judgement.Row) {
	slow := r.Outcome == model.Slow
	a.slow = a.slow || slow
	if slow {
		r.Outcome = report.OK
	}
	a.Judge.Add(r)
	if !a.slow || r.Outcome != report.OK || r.App == model.DeliveryApp {
		return
	}
	if r.Took = &untold; slow {
		r.Outcome = model.Slow
	}
	a.Judge.Add(r)
}
