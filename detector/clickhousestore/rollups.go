//go:build cgo

package clickhousestore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/answers"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// settleSums prepares a query of sums, which are in the journal or in ClickHouse. The caller calls
// done after it.
func (s *Events) settleSums(ctx context.Context) (done func()) {
	if s.eager {
		_ = s.moveSums(ctx, time.Now())
	}
	s.moving.RLock()
	return s.moving.RUnlock
}

// Rollups implements detector.Events.
func (s *Events) Rollups(ctx context.Context, q model.RollupQuery) ([]model.Rollup, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	done, err := s.askMuch(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	defer s.settleSums(ctx)()
	since, err := s.from(ctx, stepKind(q.Step), q.Since)
	if err != nil {
		return nil, err
	}
	until := int64(1) << 62
	if !q.Until.IsZero() {
		until = q.Until.Add(-q.Step).UnixMilli()
	}
	sums := answers.NewRollups(q, answers.MaxRollups, answers.MaxGroups)
	if err := s.rollupsStored(ctx, &q, since, until, sums); err != nil {
		return nil, err
	}
	err = s.readJournal(ctx, "reading rollups", "SELECT step, at, app, version, os, target, outcome, asn, country, source, raw, estimated, clients FROM sums WHERE step = ? AND at >= ? AND at <= ? ORDER BY at",
		[]any{q.Step.Milliseconds(), since, until}, func(rows *sql.Rows) error {
			v, err := scanSum(rows)
			if err != nil || !selects(&q, &v.Key) {
				return err
			}
			return sums.Add(v.At, &v.Key, v.Raw, v.Estimated, v.Clients)
		})
	if err != nil {
		return nil, err
	}
	return sums.Answer(), nil
}

// selects reports whether a query selects a key.
func selects(q *model.RollupQuery, k *model.RollupKey) bool {
	return (q.App == "" || q.App == k.App) && (q.Target == "" || q.Target == k.Target) && (q.Type == "" || k.Outcome.Under(q.Type)) &&
		(len(q.Versions) == 0 || slices.Contains(q.Versions, k.Version))
}

// rollupsStored adds what is in ClickHouse.
func (s *Events) rollupsStored(ctx context.Context, q *model.RollupQuery, since, until int64, sums *answers.Rollups) error {
	c := conditions{}
	c.and("mark = 0 AND step = ? AND day >= ? AND at >= ? AND at <= ?", q.Step.Milliseconds(), dayText(since), since, until)
	c.is("app", q.App)
	c.is("target", q.Target)
	c.under("outcome", q.Type)
	among(&c, "version", q.Versions)
	return s.each(ctx, "reading rollups", `SELECT at, app, version, os, target, outcome, asn, country, source,
		sumMerge(raw), sumMerge(estimated), groupUniqArrayMerge(clients) FROM rollups WHERE `+c.String()+`
		GROUP BY at, app, version, os, target, outcome, asn, country, source ORDER BY at`, c.args, func(rows driver.Rows) error {
		var at int64
		var k model.RollupKey
		var outcome string
		var source uint8
		var raw uint64
		var estimated float64
		var sets []string
		if err := rows.Scan(&at, &k.App, &k.Version, &k.OS, &k.Target, &outcome, &k.ASN, &k.Country, &source, &raw, &estimated, &sets); err != nil {
			return err
		}
		k.Outcome, k.Source = report.Outcome(outcome), report.Source(source)
		clients, err := union(sets)
		if err != nil {
			return err
		}
		return sums.Add(at, &k, raw, estimated, clients)
	})
}

// Latencies implements detector.Events.
func (s *Events) Latencies(ctx context.Context, q model.LatencyQuery) (all []model.LatencyStep, err error) {
	defer s.settleSums(ctx)()
	since, err := s.from(ctx, stepKind(q.Step), q.Since)
	if err != nil {
		return nil, err
	}
	type key struct {
		at     int64
		target string
	}
	sums := map[key]*model.Latency{}
	find := func(k key) *model.Latency {
		if sums[k] == nil {
			sums[k] = new(model.Latency)
		}
		return sums[k]
	}
	if err := s.each(ctx, "reading durations", `SELECT at, target, (sumMap(bucketsMap.bucket, bucketsMap.requests) AS sums).1, sums.2 FROM latencies
		WHERE mark = 0 AND step = ? AND day >= ? AND at >= ? AND at < ? GROUP BY at, target`,
		[]any{q.Step.Milliseconds(), dayText(since), since, q.Until.UnixMilli()}, func(rows driver.Rows) error {
			var k key
			var buckets []uint8
			var requests []float64
			if err := rows.Scan(&k.at, &k.target, &buckets, &requests); err != nil {
				return err
			}
			l := find(k)
			for i, bucket := range buckets {
				if int(bucket) < len(l) && i < len(requests) {
					l[bucket] += requests[i]
				}
			}
			return nil
		}); err != nil {
		return nil, err
	}
	if err := s.readJournal(ctx, "reading durations", "SELECT step, at, target, latency FROM durations WHERE step = ? AND at >= ? AND at < ?",
		[]any{q.Step.Milliseconds(), since, q.Until.UnixMilli()}, func(rows *sql.Rows) error {
			v, err := scanDuration(rows)
			var l model.Latency
			if err == nil && l.Decode(v.Latency) == nil { // damaged steps are left out
				find(key{v.At, v.Target}).Merge(&l)
			}
			return err
		}); err != nil {
		return nil, err
	}
	for k, l := range sums {
		all = append(all, model.LatencyStep{At: time.UnixMilli(k.at), Target: k.target, Latency: *l})
	}
	slices.SortFunc(all, func(a, b model.LatencyStep) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Target, b.Target)) })
	return all, nil
}

// The kinds of cutoffs of sums, which have two.
const (
	kindMinutes      = "minutes"
	kindHours        = "hours"
	kindFingerprints = "fingerprints"
)

func stepKind(step time.Duration) string {
	if step == model.RollupMinute {
		return kindMinutes
	}
	return kindHours
}

// maxFingerprints is the most causes of errors that are remembered.
const maxFingerprints = 50_000

// Fingerprints implements detector.Events.
func (s *Events) Fingerprints(ctx context.Context, q model.FingerprintQuery) ([]model.Fingerprint, error) {
	s.settleForPeople(ctx)
	since, err := s.from(ctx, kindFingerprints, q.Since)
	if err != nil {
		return nil, err
	}
	hidden, err := s.hidden(ctx)
	if err != nil {
		return nil, err
	}
	c, having := conditions{}, conditions{}
	c.and("mark = 0")
	c.is("app", q.App)
	having.and("latest >= ?", since)
	if q.NewIn != "" {
		having.and("first_in = ?", q.NewIn)
	}
	if !q.Until.IsZero() {
		having.and("earliest < ?", q.Until.UnixMilli())
	}
	if q.Fingerprint != [16]byte{} {
		c.and("fingerprint = " + unhex(q.Fingerprint[:]))
	}
	args := append(append(c.args, having.args...), answers.Bounded(q.Limit, 100))
	all, err := list(ctx, s, "reading causes of errors", `SELECT app, fingerprint, anyMerge(type), anyMerge(outcome), minMerge(first) AS earliest, argMinMerge(first_version) AS first_in,
		maxMerge(last) AS latest, argMaxMerge(last_version), sumMerge(errors) FROM causes WHERE `+c.String()+` GROUP BY app, fingerprint
		HAVING `+having.String()+` ORDER BY latest DESC, fingerprint LIMIT ?`, args, func(rows driver.Rows) (f model.Fingerprint, err error) {
		var print []byte
		var first, last int64
		var outcome string
		err = rows.Scan(&f.App, &print, &f.Type, &outcome, &first, &f.FirstVersion, &last, &f.LastVersion, &f.Errors)
		copy(f.Fingerprint[:], print)
		f.Outcome, f.First, f.Last = report.Outcome(outcome), time.UnixMilli(first), time.UnixMilli(last)
		return f, err
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all, s.countClients(ctx, all, hidden)
}

// countClients counts the clients of whose errors there are samples.
func (s *Events) countClients(ctx context.Context, all []model.Fingerprint, hidden string) error {
	cutoff, err := s.cutoff(ctx, detector.KindSamples)
	if err != nil {
		return err
	}
	prints := make([]string, len(all))
	for i := range all {
		prints[i] = unhex(all[i].Fingerprint[:])
	}
	clients := map[[16]byte]uint64{}
	if err := s.each(ctx, "counting clients", "SELECT fingerprint, uniqExact(client) FROM samples WHERE fingerprint IN ("+strings.Join(prints, ", ")+") AND client <> 0 AND day >= ? AND at >= ?"+hidden+" GROUP BY fingerprint",
		[]any{dayText(cutoff), cutoff}, func(rows driver.Rows) error {
			var print []byte
			var n uint64
			err := rows.Scan(&print, &n)
			clients[[16]byte(print)] = n
			return err
		}); err != nil {
		return err
	}
	for i := range all {
		all[i].Clients = clients[all[i].Fingerprint]
	}
	return nil
}
