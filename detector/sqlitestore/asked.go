package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/heliograph-net/heliograph/detector/answers"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model"
)

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

func (s *Events) answers() *answers.Reader {
	return &answers.Reader{Store: asked{s}, MaxSeries: maxSeriesRead, MaxGroups: maxGroups}
}

// asked is an answers.Store of events.
type asked struct{ s *Events }

func (a asked) Begin(ctx context.Context, q model.TotalsQuery) (done func(), err error) {
	if done, err = a.s.askMuch(ctx); err != nil {
		return nil, err
	}
	if err = a.s.judgeCost(ctx, q); err != nil {
		done()
		return nil, err
	}
	return done, nil
}

func (a asked) EachSeen(ctx context.Context, q model.TotalsQuery, f func(id uint64, s *model.Series) error) error {
	var id int64
	var v model.Series
	fields := append([]any{&id}, seriesFields(&v)...)
	return sqlitedb.Each(ctx, a.s.asked, "reading series", "SELECT s.id, "+seriesColumns+` FROM series s WHERE s.id IN
		(SELECT series FROM cells WHERE bin > ? AND bin <= ?) AND s.delivery = ?`,
		selectedArgs(q), func(rows *sql.Rows) error {
			if err := rows.Scan(fields...); err != nil {
				return err
			}
			return f(uint64(id), &v)
		})
}

func (a asked) EachCell(ctx context.Context, q model.TotalsQuery, withClients bool, f func(c *answers.Cell) error) error {
	clients := "x''"
	if withClients {
		clients = "c.clients"
	}
	return sqlitedb.Each(ctx, a.s.asked, "reading cells", "SELECT c.bin, c.series, c.estimated, "+clients+`, c.places
		FROM cells c JOIN series s ON s.id = c.series WHERE c.bin > ? AND c.bin <= ? AND s.delivery = ? ORDER BY c.bin`, selectedArgs(q),
		func(rows *sql.Rows) error {
			var c answers.Cell
			var id int64
			var clients, places sql.RawBytes
			if err := rows.Scan(&c.Bin, &id, &c.Estimated, &clients, &places); err != nil {
				return err
			}
			c.Series, c.Clients, c.Places = uint64(id), clients, places
			return f(&c)
		})
}

// selectedArgs returns the arguments of a condition on bins and deliveries.
func selectedArgs(q model.TotalsQuery) []any { return append(spanArgs(q), q.Delivery) }

// spanArgs returns the bin after which and the bin up to which q selects.
func spanArgs(q model.TotalsQuery) []any {
	until := int64(1) << 62
	if !q.Until.IsZero() {
		until = q.Until.UnixMilli()
	}
	return []any{q.Since.UnixMilli(), until}
}
