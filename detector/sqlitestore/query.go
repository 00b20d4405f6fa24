package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// columns are the columns of the dimensions.
var columns = map[model.Dimension]string{
	model.ByOutcome:  "s.outcome",
	model.ByApp:      "s.app",
	model.ByTarget:   "s.target",
	model.ByASN:      "s.asn",
	model.ByCountry:  "s.country",
	model.ByServer:   "s.server",
	model.ByProtocol: "s.protocol",
	model.ByStatus:   "s.status",
	model.BySource:   "s.source",
}

// field is where the value of a dimension goes.
func field(k *model.Series, d model.Dimension) any {
	return map[model.Dimension]any{
		model.ByOutcome: &k.Outcome, model.ByApp: &k.App, model.ByTarget: &k.Target,
		model.ByASN: &k.ASN, model.ByCountry: &k.Country, model.ByServer: &k.Server,
		model.ByProtocol: &k.Protocol, model.ByStatus: &k.Status, model.BySource: &k.Source,
	}[d]
}

func bounded(limit, otherwise int) int {
	if limit <= 0 {
		limit = otherwise
	}
	return min(limit, model.MaxRows)
}

// under is a condition on a column with three arguments, from underArgs: this outcome or below
// it, or any.
func under(column string) string {
	return fmt.Sprintf("(? = '' OR %[1]s = ? OR substr(%[1]s, 1, length(?) + 1) = ? || '.')", column)
}

func underArgs(o report.Outcome) []any { return []any{string(o), string(o), string(o), string(o)} }

// Totals implements detector.Reader.
func (s *Store) Totals(ctx context.Context, q model.TotalsQuery) ([]model.Total, error) {
	query, args := totalsSQL(q)
	return list(ctx, s.readers, "reading totals", query, args, func(rows *sql.Rows) (t model.Total, err error) {
		t.By = q.By & model.AllDimensions
		var into []any
		for d := range t.By.Each() {
			into = append(into, field(&t.Key, d))
		}
		err = rows.Scan(append(into, &t.OK, &t.Failed, &t.Clients)...)
		return t, err
	})
}

// totalsSQL sums the rollups, and counts clients in the sightings, by the same expressions.
func totalsSQL(q model.TotalsQuery) (string, []any) {
	var selects, names, joins strings.Builder
	for d := range q.By.Each() {
		fmt.Fprintf(&selects, "%s AS d%d, ", columns[d], d)
		fmt.Fprintf(&names, "d%d, ", d)
		fmt.Fprintf(&joins, " AND c.d%[1]d = t.d%[1]d", d)
	}
	until := int64(1) << 62
	if !q.Until.IsZero() {
		until = q.Until.UnixMilli()
	}
	where := "WHERE r.bin > ? AND r.bin <= ? AND s.delivery = ? AND " + under("s.outcome")
	group := ""
	if q.By != 0 {
		group = " GROUP BY " + strings.TrimSuffix(names.String(), ", ")
	}
	args := append([]any{q.Since.UnixMilli(), until, q.Delivery}, underArgs(q.Type)...)
	query := fmt.Sprintf(`WITH
		t AS (SELECT %[1]stotal(CASE s.outcome WHEN 'ok' THEN r.estimated END) AS ok,
			total(CASE s.outcome WHEN 'ok' THEN NULL ELSE r.estimated END) AS failed
			FROM rollups r JOIN series s ON s.id = r.series %[2]s%[3]s),
		c AS (SELECT %[1]scount(DISTINCT r.client) AS clients FROM sightings r JOIN series s ON s.id = r.series %[2]s%[3]s)
		SELECT %[4]st.ok, t.failed, coalesce(c.clients, 0) FROM t LEFT JOIN c ON true%[5]s ORDER BY t.failed DESC, t.ok DESC LIMIT ?`,
		selects.String(), where, group, strings.ReplaceAll(names.String(), "d", "t.d"), joins.String())
	return query, append(append(slices.Clone(args), args...), bounded(q.Limit, model.MaxRows))
}

// Servers implements model.Reader.
func (s *Store) Servers(ctx context.Context, since time.Time) ([]model.ServerCount, error) {
	totals, err := s.Totals(ctx, model.TotalsQuery{Since: since, By: model.DimensionsOf(model.ByServer)})
	if err != nil {
		return nil, err
	}
	var all []model.ServerCount
	for _, t := range totals {
		if name := t.Key.Server; name != "" {
			all = append(all, model.ServerCount{Server: name, OK: t.OK, Failed: t.Failed})
		}
	}
	return all, nil
}

// Reachability implements model.Reader. When there are more than model.MaxRows rows, the oldest
// are left out.
func (s *Store) Reachability(ctx context.Context, since time.Time, step time.Duration) ([]model.Reach, error) {
	if step < time.Second {
		return nil, fmt.Errorf("%w: step must be at least a second, is %v", model.ErrQuery, step)
	}
	from, width := since.UnixMilli(), step.Milliseconds()
	all, err := list(ctx, s.readers, "reading reachability", `SELECT (r.bin - 1 - ?1) / ?2 AS step, s.asn,
		total(CASE s.outcome WHEN 'ok' THEN r.estimated END), total(CASE s.outcome WHEN 'ok' THEN NULL ELSE r.estimated END)
		FROM rollups r JOIN series s ON s.id = r.series WHERE r.bin > ?1 AND s.delivery = 0
		GROUP BY step, s.asn ORDER BY step DESC, s.asn DESC LIMIT ?3`, []any{from, width, model.MaxRows},
		func(rows *sql.Rows) (r model.Reach, err error) {
			var n int64
			err = rows.Scan(&n, &r.ASN, &r.OK, &r.Failed)
			r.At = time.UnixMilli(from + n*width)
			return r, err
		})
	slices.Reverse(all)
	return all, err
}

// Samples implements model.Reader.
func (s *Store) Samples(ctx context.Context, q model.SampleQuery) ([]model.Sample, error) {
	args := append([]any{q.Since.UnixMilli(), q.Target, q.Target}, underArgs(q.Type)...)
	return list(ctx, s.readers, "reading samples", `SELECT at, app, version, os, source, target, url, method, outcome, phase, protocol, server,
		status, elapsed, trace, flags, asn, country, error_type, message, stack, fingerprint, count FROM samples WHERE at >= ? AND (? = '' OR target = ?) AND `+under("outcome")+`
		ORDER BY at DESC, id DESC LIMIT ?`, append(args, bounded(q.Limit, 100)), scanSample)
}

func scanSample(rows *sql.Rows) (v model.Sample, err error) {
	var at, elapsed int64
	var trace, fingerprint sql.RawBytes
	err = rows.Scan(&at, &v.App, &v.Version, &v.OS, &v.Source, &v.Target, &v.URL, &v.Method, &v.Outcome, &v.Phase, &v.Protocol, &v.Server,
		&v.Status, &elapsed, &trace, &v.Flags, &v.ASN, &v.Country, &v.ErrorType, &v.Message, &v.Stack, &fingerprint, &v.Count)
	v.At, v.Elapsed = time.UnixMilli(at), time.Duration(elapsed)*time.Millisecond
	copy(v.TraceID[:], trace)
	copy(v.Fingerprint[:], fingerprint)
	return v, err
}

// Batch implements model.Reader.
func (s *Store) Batch(ctx context.Context, id report.BatchID) (b model.BatchInfo, found bool, err error) {
	var received int64
	err = s.readers.QueryRowContext(ctx, "SELECT source, received, app, records FROM batches WHERE id = ?", id[:]).
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

// Batches implements model.Reader.
func (s *Store) Batches(ctx context.Context, since time.Time) (n uint64, err error) {
	err = s.readers.QueryRowContext(ctx, "SELECT count(*) FROM batches WHERE received >= ?", since.UnixMilli()).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting batches: %w", err)
	}
	return n, nil
}

// Cells implements detector.Store. Requests that repeat a failed one, or whose client changed its
// network, are left out: the first would count a fault as often as applications try again, the
// second are faults of the client's own.
func (s *Store) Cells(ctx context.Context, after, upTo time.Time, limit int) ([]detector.Cell, error) {
	return list(ctx, s.readers, "reading cells", `SELECT s.app, s.target, s.outcome, s.server, s.asn, s.country, s.source, c.client, c.raw, c.estimated
		FROM sightings c JOIN series s ON s.id = c.series WHERE c.bin > ? AND c.bin <= ? AND s.flags = 0 LIMIT ?`,
		[]any{after.UnixMilli(), upTo.UnixMilli(), limit}, func(rows *sql.Rows) (c detector.Cell, err error) {
			var client int64
			err = rows.Scan(&c.App, &c.Target, &c.Outcome, &c.Server, &c.ASN, &c.Country, &c.Source, &client, &c.Raw, &c.Estimated)
			c.Client = uint64(client)
			return c, err
		})
}

// list runs a query and scans all its rows.
func list[T any](ctx context.Context, db *sql.DB, doing, query string, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return all, nil
}
