//go:build cgo

package clickhousestore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/answers"
	"github.com/heliograph-net/heliograph/detector/internal/stored"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// conditions are joined by AND.
type conditions struct {
	all  []string
	args []any
}

func (c *conditions) and(condition string, args ...any) {
	c.all, c.args = append(c.all, condition), append(c.args, args...)
}

// is adds that a column has a value, unless that is empty.
func (c *conditions) is(column, value string) {
	if value != "" {
		c.and(column+" = ?", value)
	}
}

// under adds that a column is an outcome or one below it, unless that is empty.
func (c *conditions) under(column string, o report.Outcome) {
	if o != "" {
		c.and("("+column+" = ? OR startsWith("+column+", ?))", string(o), string(o)+".")
	}
}

// among adds that a column has one of the values, unless there are none.
func among[T any](c *conditions, column string, values []T) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	c.and(column+" IN (?"+strings.Repeat(", ?", len(values)-1)+")", args...)
}

func (c *conditions) String() string { return strings.Join(c.all, " AND ") }

// union merges encoded sets of clients.
func union(sets []string) ([]byte, error) {
	if len(sets) == 1 {
		return []byte(sets[0]), nil
	}
	var all sketch.Clients
	for _, set := range sets {
		var one sketch.Clients
		if err := one.Decode([]byte(set)); err != nil {
			return nil, err
		}
		all.Merge(&one)
	}
	return all.Append(nil), nil
}

// askMuch waits for the turn of a query that reads much. If err is nil, the caller must call
// done afterwards.
func (s *Events) askMuch(ctx context.Context) (done func(), err error) {
	select {
	case s.costly <- struct{}{}:
		return func() { <-s.costly }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for other queries: %w", ctx.Err())
	}
}

// Totals implements detector.Events.
func (s *Events) Totals(ctx context.Context, q model.TotalsQuery) ([]model.Total, error) {
	return s.answers().Totals(ctx, q)
}

// Curve implements detector.Events.
func (s *Events) Curve(ctx context.Context, q model.CurveQuery) ([]model.CurvePoint, error) {
	return s.answers().Curve(ctx, q)
}

// Reachability implements detector.Events.
func (s *Events) Reachability(ctx context.Context, q model.ReachQuery) ([]model.Reach, error) {
	return s.answers().Reachability(ctx, q)
}

// Servers implements detector.Events.
func (s *Events) Servers(ctx context.Context, since time.Time) ([]model.ServerCount, error) {
	return s.answers().Servers(ctx, since)
}

func (s *Events) answers() *answers.Reader {
	return &answers.Reader{Store: asked{s}, MaxSeries: answers.MaxSeries, MaxGroups: answers.MaxGroups}
}

// asked is an answers.Store of events.
type asked struct{ s *Events }

// span selects the cells of a query.
func (a asked) span(ctx context.Context, q model.TotalsQuery) (*conditions, error) {
	since, err := a.s.from(ctx, detector.KindCells, q.Since)
	if err != nil {
		return nil, err
	}
	c := &conditions{}
	c.and("day >= ? AND bin > ? AND delivery = ?", dayText(since), since, flag(q.Delivery))
	if !q.Until.IsZero() {
		c.and("day <= ? AND bin <= ?", dayText(q.Until.UnixMilli()), q.Until.UnixMilli())
	}
	return c, nil
}

func (a asked) Begin(ctx context.Context, q model.TotalsQuery) (done func(), err error) {
	if done, err = a.s.askMuch(ctx); err != nil {
		return nil, err
	}
	a.s.settleForPeople(ctx)
	if err = a.judgeCost(ctx, q); err != nil {
		done()
		return nil, err
	}
	return done, nil
}

// judgeCost refuses a query that would read more cells than answers.MaxCells.
func (a asked) judgeCost(ctx context.Context, q model.TotalsQuery) error {
	c, err := a.span(ctx, q)
	if err != nil {
		return err
	}
	const doing = "judging what a query costs"
	n, err := a.s.number(ctx, doing, "SELECT toInt64(count()) FROM cells WHERE "+c.String(), c.args...)
	if err != nil || n <= answers.MaxCells {
		return err
	}
	bin, err := a.s.number(ctx, doing, "SELECT bin FROM cells WHERE "+c.String()+fmt.Sprintf(" ORDER BY bin DESC LIMIT %d, 1", answers.MaxCells), c.args...)
	if err != nil {
		return err
	}
	return &model.CostError{Of: "sums", Most: answers.MaxCells, Since: time.UnixMilli(bin)}
}

const seriesColumns = "app, target, outcome, protocol, status, server, asn, country, source, flags"

// seriesScan scans seriesColumns into a series.
type seriesScan struct {
	outcome string
	source  uint8
	flags   uint64
}

func (v *seriesScan) fields(s *model.Series) []any {
	return []any{&s.App, &s.Target, &v.outcome, &s.Protocol, &s.Status, &s.Server, &s.ASN, &s.Country, &v.source, &v.flags}
}

func (v *seriesScan) finish(s *model.Series) {
	s.Outcome, s.Source, s.Flags = report.Outcome(v.outcome), report.Source(v.source), report.Flags(v.flags)
}

func (a asked) EachSeen(ctx context.Context, q model.TotalsQuery, f func(id uint64, s *model.Series) error) error {
	c, err := a.span(ctx, q)
	if err != nil {
		return err
	}
	return a.s.eachSeries(ctx, c, f)
}

// eachSeries calls f for the series of cells.
func (s *Events) eachSeries(ctx context.Context, cells *conditions, f func(id uint64, s *model.Series) error) error {
	return s.each(ctx, "reading series", "SELECT DISTINCT id, "+seriesColumns+" FROM series WHERE id IN (SELECT DISTINCT series FROM cells WHERE "+cells.String()+")",
		cells.args, func(rows driver.Rows) error {
			var id uint64
			var series model.Series
			var scan seriesScan
			if err := rows.Scan(append([]any{&id}, scan.fields(&series)...)...); err != nil {
				return err
			}
			scan.finish(&series)
			return f(id, &series)
		})
}

func (a asked) EachCell(ctx context.Context, q model.TotalsQuery, clients bool, f func(c *answers.Cell) error) error {
	c, err := a.span(ctx, q)
	if err != nil {
		return err
	}
	column := "''"
	if clients {
		column = "clients"
	}
	return a.s.each(ctx, "reading cells", "SELECT bin, series, estimated, "+column+", places FROM cells WHERE "+c.String()+" ORDER BY bin", c.args,
		func(rows driver.Rows) error {
			var cell answers.Cell
			var clients, places string
			if err := rows.Scan(&cell.Bin, &cell.Series, &cell.Estimated, &clients, &places); err != nil {
				return err
			}
			cell.Clients, cell.Places = []byte(clients), []byte(places)
			return f(&cell)
		})
}

// Cells implements detector.Events.
func (s *Events) Cells(ctx context.Context, after, upTo time.Time) ([]detector.Cell, error) {
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	since, err := s.from(ctx, detector.KindCells, after)
	if err != nil {
		return nil, err
	}
	c := conditions{}
	c.and("day >= ? AND bin > ? AND bin <= ?", dayText(since), since, upTo.UnixMilli())
	known := map[uint64]model.Series{}
	texts := map[string]string{} // most series share their texts
	if err := s.eachSeries(ctx, &c, func(id uint64, v *model.Series) error {
		answers.Share(texts, v)
		known[id] = *v
		return nil
	}); err != nil {
		return nil, err
	}
	var all content
	if err := s.each(ctx, "reading cells", "SELECT bin, series, raw, estimated, clients, spread, places FROM cells WHERE "+c.String(), c.args, func(rows driver.Rows) error {
		var v stored.Cell
		var id uint64
		var clients, spread, places string
		if err := rows.Scan(&v.Bin, &id, &v.Raw, &v.Estimated, &clients, &spread, &places); err != nil {
			return err
		}
		v.Clients, v.Spread, v.Places = []byte(clients), []byte(spread), []byte(places)
		var listed bool
		if v.Series, listed = known[id]; listed { // otherwise it was stored after the query began
			all.Cells = append(all.Cells, v)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	return all.folded()
}

// EachSeries implements detector.Events.
func (s *Events) EachSeries(ctx context.Context, f func(model.Series) error) error {
	if err := s.settle(ctx); err != nil {
		return err
	}
	cutoff, err := s.cutoff(ctx, detector.KindCells)
	if err != nil {
		return err
	}
	return s.each(ctx, "reading series", "SELECT DISTINCT "+seriesColumns+" FROM series WHERE day >= ?", []any{dayText(cutoff)}, func(rows driver.Rows) error {
		var v model.Series
		var scan seriesScan
		if err := rows.Scan(scan.fields(&v)...); err != nil {
			return err
		}
		scan.finish(&v)
		return f(v)
	})
}
