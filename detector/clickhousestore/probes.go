//go:build cgo

package clickhousestore

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/answers"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

const probeColumns = `at, vantage, vantage_asn, name, address, kind, region, data_centre, cluster, row, judgement, outcome, step_names, step_us,
	family, server, protocol, status, version`

func scanProbe(rows driver.Rows) (p model.ProbeResult, err error) {
	var at int64
	var judgement uint8
	var outcome string
	var names []string
	var took []int64
	t := &p.Target
	if err := rows.Scan(&at, &p.Vantage, &p.VantageASN, &t.Name, &t.Address, &t.Kind, &t.Region, &t.DataCentre, &t.Cluster, &t.Row, &judgement, &outcome, &names, &took,
		&p.Family, &p.Server, &p.Protocol, &p.Status, &p.Version); err != nil {
		return p, err
	}
	p.At, p.Judgement, p.Outcome = time.UnixMilli(at), report.Judgement(judgement), report.Outcome(outcome)
	for i, name := range names[:min(len(names), len(took))] {
		p.Steps = append(p.Steps, model.ProbeStep{Name: name, Took: time.Duration(took[i]) * time.Microsecond})
	}
	return p, nil
}

// ProbeResults implements detector.Events.
func (s *Events) ProbeResults(ctx context.Context, q model.ProbeQuery) ([]model.ProbeResult, error) {
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	since, err := s.from(ctx, detector.KindProbes, q.Since)
	if err != nil {
		return nil, err
	}
	c := conditions{}
	c.and("day >= ? AND at >= ?", dayText(since), since)
	c.is("name", q.Target)
	c.is("vantage", q.Vantage)
	return list(ctx, s, "reading probe results", "SELECT "+probeColumns+" FROM probes WHERE "+c.String()+" ORDER BY at DESC, block DESC, seq DESC LIMIT ?",
		append(c.args, answers.Bounded(q.Limit, 100)), scanProbe)
}

// LatestProbes implements detector.Events.
func (s *Events) LatestProbes(ctx context.Context, since time.Time, f func(model.ProbeResult) error) error {
	if err := s.settle(ctx); err != nil {
		return err
	}
	from, err := s.from(ctx, detector.KindProbes, since)
	if err != nil {
		return err
	}
	return s.each(ctx, "reading the latest probe results", "SELECT "+probeColumns+" FROM probes WHERE day >= ? AND at >= ? ORDER BY at DESC, block DESC, seq DESC LIMIT 1 BY name, vantage",
		[]any{dayText(from), from}, func(rows driver.Rows) error {
			p, err := scanProbe(rows)
			if err != nil {
				return err
			}
			return f(p)
		})
}
