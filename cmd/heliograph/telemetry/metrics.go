package telemetry

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/internal/otlp"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// queryTime limits the queries for one export.
const queryTime = 10 * time.Second

// maxSeries is how many sums are exported. What further ones would count is added to one whose
// attributes are "other".
const maxSeries = 1000

const other = "other"

// series identifies a sum.
type series struct {
	app, target string
	outcome     report.Outcome
}

// Counts are the requests that a detector has judged since the start of the process, and the
// incidents that are open. One goroutine may use it.
type Counts struct {
	pipeline *Pipeline
	reader   model.Reader
	log      *slog.Logger
	began    time.Time
	until    time.Time // end of the last bin in sums; zero: none yet
	sums     map[series]float64
}

// Counts returns the counts of the detector whose store is read by reader. It adds up bins that end
// after began.
func (p *Pipeline) Counts(reader model.Reader, log *slog.Logger, began time.Time) *Counts {
	return &Counts{pipeline: p, reader: reader, log: log, began: began, sums: map[series]float64{}}
}

// Collect returns the metrics as they are now. If the store does not answer, there are none
// this time.
func (c *Counts) Collect(ctx context.Context) []otlp.Metric {
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	now := time.Now()
	if err := c.add(ctx); err != nil {
		c.log.Warn("no metrics are exported: the store does not answer", "error", err)
		return nil
	}
	open, err := c.open(ctx, now)
	if err != nil {
		c.log.Warn("no metrics are exported: the store does not answer", "error", err)
		return nil
	}
	return []otlp.Metric{c.requests(now), open}
}

// add adds the bins that were judged since the last time.
func (c *Counts) add(ctx context.Context) error {
	c.pipeline.mu.Lock()
	until := c.pipeline.bin
	c.pipeline.mu.Unlock()
	since := c.until
	if since.IsZero() {
		since = c.began
	}
	if !until.After(since) {
		return nil
	}
	totals, err := c.reader.Totals(ctx, model.TotalsQuery{Since: since, Until: until, By: model.DimensionsOf(model.ByApp, model.ByTarget, model.ByOutcome)})
	if err != nil {
		return err
	}
	c.until = until
	for _, t := range totals {
		k := series{t.Key.App, t.Key.Target, t.Key.Outcome}
		if _, known := c.sums[k]; !known && len(c.sums) >= maxSeries {
			k = series{other, other, other}
		}
		c.sums[k] += t.OK + t.Failed
	}
	return nil
}

func (c *Counts) requests(now time.Time) otlp.Metric {
	m := otlp.Metric{Name: "heliograph.requests", Unit: "{request}", Sum: true,
		Description: "Requests that clients reported, estimated, by application, target and outcome, as they are judged."}
	for k, sum := range c.sums {
		m.Points = append(m.Points, otlp.Point{Start: c.began, Time: now, Value: sum, Attrs: []otlp.Attr{
			{Key: "heliograph.app", Value: k.app}, {Key: "heliograph.target", Value: k.target}, {Key: "heliograph.outcome", Value: string(k.outcome)}}})
	}
	return m
}

// open counts the open incidents by verdict. With none there is one point, which is 0.
func (c *Counts) open(ctx context.Context, now time.Time) (m otlp.Metric, err error) {
	m = otlp.Metric{Name: "heliograph.incidents.open", Unit: "{incident}", Description: "Incidents that are open, by verdict."}
	all, err := c.reader.Incidents(ctx, now)
	if err != nil {
		return m, err
	}
	verdicts := map[string]float64{}
	for i := range all {
		if all[i].Open() {
			verdicts[string(all[i].Verdict)]++
		}
	}
	if len(verdicts) == 0 {
		m.Points = []otlp.Point{{Time: now}}
	}
	for _, v := range slices.Sorted(maps.Keys(verdicts)) {
		m.Points = append(m.Points, otlp.Point{Time: now, Value: verdicts[v], Attrs: []otlp.Attr{{Key: "heliograph.verdict", Value: v}}})
	}
	return m, nil
}
