package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/answers"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/search"
	"github.com/heliograph-net/heliograph/report"
)

// under returns a condition on a column with the four arguments of underArgs: an outcome or any
// below it, or all outcomes.
func under(column string) string {
	return fmt.Sprintf("(? = '' OR %[1]s = ? OR substr(%[1]s, 1, length(?) + 1) = ? || '.')", column)
}

func underArgs(o report.Outcome) []any { return []any{string(o), string(o), string(o), string(o)} }

// Cells implements detector.Events.
func (s *Events) Cells(ctx context.Context, after, upTo time.Time) ([]detector.Cell, error) {
	s.settle(ctx)
	texts := map[string]string{} // most series share their texts
	return sqlitedb.List(ctx, s.readers, "reading cells", "SELECT "+seriesColumns+`, c.bin, c.raw, c.estimated, c.clients, c.spread, c.places
		FROM cells c JOIN series s ON s.id = c.series WHERE c.bin > ? AND c.bin <= ?`,
		[]any{after.UnixMilli(), upTo.UnixMilli()}, func(rows *sql.Rows) (c detector.Cell, err error) {
			var bin int64
			var clients, spread, places sql.RawBytes
			if err := rows.Scan(append(seriesFields(&c.Series), &bin, &c.Raw, &c.Estimated, &clients, &spread, &places)...); err != nil {
				return c, err
			}
			answers.Share(texts, &c.Series)
			c.End = time.UnixMilli(bin)
			return c, errors.Join(c.Clients.Decode(clients), c.Spread.Decode(spread), c.Places.Decode(places))
		})
}

// EachSeries implements detector.Events.
func (s *Events) EachSeries(ctx context.Context, f func(model.Series) error) error {
	return sqlitedb.Each(ctx, s.readers, "reading series", "SELECT "+seriesColumns+" FROM series s", nil, func(rows *sql.Rows) error {
		var v model.Series
		if err := rows.Scan(seriesFields(&v)...); err != nil {
			return err
		}
		return f(v)
	})
}

// Servers implements detector.Events.
func (s *Events) Servers(ctx context.Context, since time.Time) ([]model.ServerCount, error) {
	return s.answers().Servers(ctx, since)
}

// Samples implements detector.Events.
func (s *Events) Samples(ctx context.Context, q model.SampleQuery) ([]model.Sample, error) {
	text, err := search.Parse(q.Text)
	if err != nil {
		return nil, err
	}
	if !text.Empty() {
		return s.search(ctx, q, text)
	}
	of := selectionOf(q)
	return sqlitedb.List(ctx, s.asked, "reading samples", "SELECT "+sampleColumns+" FROM samples WHERE "+of.text+" ORDER BY at DESC, id DESC LIMIT ?",
		append(of.args, answers.Bounded(q.Limit, 100)), scanSample())
}

// condition is a part of a WHERE clause.
type condition struct {
	text string
	args []any
}

// among selects the rows whose column has one of the values; all, without values.
func among[T any](column string, values []T) (c condition) {
	if len(values) == 0 {
		return c
	}
	c.text = " AND " + column + " IN (?" + strings.Repeat(", ?", len(values)-1) + ")"
	for _, v := range values {
		c.args = append(c.args, v)
	}
	return c
}

// sampleColumns are the columns that scanSample scans.
const sampleColumns = `at, app, version, os, source, target, url, method, outcome, phase, protocol, server, status, elapsed, trace, flags,
	asn, country, error_type, message, stack, fingerprint, count`

// scanSample returns what scans a row with these columns, and more after them.
func scanSample(more ...any) func(rows *sql.Rows) (model.Sample, error) {
	return func(rows *sql.Rows) (v model.Sample, err error) {
		var at, elapsed int64
		var trace, fingerprint sql.RawBytes
		err = rows.Scan(append([]any{&at, &v.App, &v.Version, &v.OS, &v.Source, &v.Target, &v.URL, &v.Method, &v.Outcome, &v.Phase, &v.Protocol, &v.Server,
			&v.Status, &elapsed, &trace, &v.Flags, &v.ASN, &v.Country, &v.Error.Type, &v.Error.Message,
			&v.Error.Stack, &fingerprint, &v.Error.Count}, more...)...)
		v.At, v.Elapsed = time.UnixMilli(at), time.Duration(elapsed)*time.Millisecond
		copy(v.TraceID[:], trace)
		copy(v.Error.Fingerprint[:], fingerprint)
		return v, err
	}
}

// Batch implements detector.Events.
func (s *Events) Batch(ctx context.Context, id report.BatchID) (b model.BatchInfo, found bool, err error) {
	var received int64
	err = s.asked.QueryRowContext(ctx, "SELECT feed, received, app, records FROM batches WHERE id = ? ORDER BY records DESC LIMIT 1", id[:]).
		Scan(&b.Feed, &received, &b.App, &b.Records)
	if errors.Is(err, sql.ErrNoRows) {
		return b, false, nil
	}
	if err != nil {
		return b, false, fmt.Errorf("reading batch: %w", err)
	}
	b.Received = time.UnixMilli(received)
	return b, true, nil
}

// Batches implements detector.Events.
func (s *Events) Batches(ctx context.Context, since time.Time) (n uint64, err error) {
	err = s.asked.QueryRowContext(ctx, "SELECT count(*) FROM batches WHERE received >= ?", since.UnixMilli()).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting batches: %w", err)
	}
	return n, nil
}
