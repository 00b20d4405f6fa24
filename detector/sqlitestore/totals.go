package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/heliograph-net/heliograph/model"
)

// column returns the column of a dimension in table series as s.
func column(d model.Dimension) string {
	if d == model.ByOutcome {
		return "s.outcome"
	}
	return "s." + d.String() // the schema otherwise has the API's names
}

// field returns a pointer to the field of a dimension.
func field(s *model.Series, d model.Dimension) any {
	switch d {
	case model.ByOutcome:
		return &s.Outcome
	case model.ByApp:
		return &s.App
	case model.ByTarget:
		return &s.Target
	case model.ByASN:
		return &s.ASN
	case model.ByCountry:
		return &s.Country
	case model.ByServer:
		return &s.Server
	case model.ByProtocol:
		return &s.Protocol
	case model.ByStatus:
		return &s.Status
	default:
		return &s.Source
	}
}

// Totals implements detector.Events.
func (s *Events) Totals(ctx context.Context, q model.TotalsQuery) ([]model.Total, error) {
	q.By &= model.AllDimensions
	query, args := totalsSQL(q)
	done, err := s.askMuch(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return list(ctx, s.asked, "reading totals", query, args, func(rows *sql.Rows) (t model.Total, err error) {
		t.By = q.By
		var into []any
		for d := range t.By.Each() {
			into = append(into, field(&t.Key, d))
		}
		err = rows.Scan(append(into, &t.OK, &t.Failed, &t.Clients, &t.Places)...)
		return t, err
	})
}

func totalsSQL(q model.TotalsQuery) (string, []any) {
	var columns strings.Builder
	for d := range q.By.Each() {
		columns.WriteString(column(d) + ", ")
	}
	group := ""
	if q.By != 0 {
		group = "GROUP BY " + strings.TrimSuffix(columns.String(), ", ")
	}
	until := int64(1) << 62
	if !q.Until.IsZero() {
		until = q.Until.UnixMilli()
	}
	query := fmt.Sprintf(`SELECT %s
		total(CASE s.outcome WHEN 'ok' THEN c.estimated END) AS ok,
		total(CASE s.outcome WHEN 'ok' THEN NULL ELSE c.estimated END) AS failed, count_clients(c.clients), count_places(c.places)
		FROM cells c JOIN series s ON s.id = c.series WHERE c.bin > ? AND c.bin <= ? AND s.delivery = ? AND (? = '' OR s.target = ?) AND %s
		%s ORDER BY failed DESC, ok DESC LIMIT ?`, columns.String(), under("s.outcome"), group)
	args := append([]any{q.Since.UnixMilli(), until, q.Delivery, q.Target, q.Target}, underArgs(q.Type)...)
	return query, append(args, bounded(q.Limit, model.MaxRows))
}
