//go:build cgo

package clickhousestore

import (
	"context"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector"
)

// kind is a kind of data that grows with the reports.
type kind struct {
	name   string
	table  string
	at     string  // the column with the time
	part   float64 // of the store, if there is too little room
	cutoff string
	// whether the network that has more than a quarter of a day loses its rows first
	fair bool
}

// kinds lists the kinds. Their parts are those of SQLite and add up to 1.
var kinds = []kind{
	{detector.KindCells, "cells", "bin", .4, detector.KindCells, true},
	{detector.KindRollups, "rollups", "at", .08, kindHours, false},
	{detector.KindLatencies, "latencies", "at", .02, kindHours, false},
	{detector.KindSamples, "samples", "at", .25, detector.KindSamples, true},
	{detector.KindProbes, "probes", "at", .125, detector.KindProbes, false},
	{detector.KindBatches, "batches", "received", .125, detector.KindBatches, true},
}

// Size implements detector.Events.
func (s *Events) Size(ctx context.Context) (size detector.StoreSize, err error) {
	size.Oldest = map[string]time.Time{}
	const doing = "measuring the store"
	if size.Bytes, err = s.bytes(ctx); err != nil {
		return size, err
	}
	for _, k := range kinds {
		days, err := s.days(ctx, k.table)
		if err != nil {
			return size, err
		}
		if len(days) == 0 {
			continue
		}
		oldest, err := s.number(ctx, doing, fmt.Sprintf("SELECT min(%s) FROM %s WHERE day = ? AND %[1]s > 0", k.at, k.table), days[0].day.Format(time.DateOnly))
		if err != nil {
			return size, err
		}
		cutoff, err := s.cutoff(ctx, k.cutoff)
		if err != nil {
			return size, err
		}
		size.Oldest[k.name] = time.UnixMilli(max(oldest, cutoff))
	}
	return size, nil
}

// bytes returns how much the tables and the journal take.
func (s *Events) bytes(ctx context.Context) (int64, error) {
	n, err := s.number(ctx, "measuring the store", "SELECT toInt64(sum(bytes_on_disk)) FROM system.parts WHERE active AND database = ?", s.o.Database)
	return n + s.waiting.Load(), err
}

// trimTo is the part of maxBytes to which Trim reduces the store, so that it need not begin
// again at once.
const trimTo = .9

// Trim implements detector.Events. It deletes days, the oldest first, and of the newest day the
// older half.
func (s *Events) Trim(ctx context.Context, maxBytes int64) (dropped map[string]int64, err error) {
	used, err := s.bytes(ctx)
	if err != nil || used <= maxBytes {
		return nil, err
	}
	dropped = map[string]int64{}
	for least := int64(trimTo * float64(maxBytes)); used > least; {
		n, err := s.trimOnce(ctx, dropped)
		if err != nil || n == 0 {
			return dropped, err
		}
		before := used
		if used, err = s.bytes(ctx); err != nil || used >= before {
			return dropped, err
		}
	}
	return dropped, nil
}

// trimOnce deletes the oldest data of the kind that exceeds its part the most.
func (s *Events) trimOnce(ctx context.Context, dropped map[string]int64) (n int64, err error) {
	var worst *kind
	var oldest []day
	most := 0.0
	for i := range kinds {
		days, err := s.days(ctx, kinds[i].table)
		if err != nil {
			return 0, err
		}
		bytes := 0.0
		for _, d := range days {
			bytes += float64(d.bytes)
		}
		if load := bytes / kinds[i].part; load > most {
			worst, oldest, most = &kinds[i], days, load
		}
	}
	if worst == nil {
		return 0, nil
	}
	n, err = s.trimDay(ctx, worst, oldest[0], len(oldest) == 1)
	dropped[worst.name] += n
	return n, err
}

// trimDay deletes a day of a kind: of the network that has too much of it, or of all. Of the only
// day, it deletes the older half.
func (s *Events) trimDay(ctx context.Context, k *kind, d day, only bool) (int64, error) {
	where := "day = '" + d.day.Format(time.DateOnly) + "'"
	if k.fair {
		const doing = "looking for the largest network"
		asn, err := s.number(ctx, doing, "SELECT toInt64(asn) FROM "+k.table+" WHERE "+where+" GROUP BY asn ORDER BY count() DESC LIMIT 1")
		if err != nil {
			return 0, err
		}
		its, err := s.number(ctx, doing, "SELECT toInt64(count()) FROM "+k.table+" WHERE "+where+" AND asn = ?", asn)
		if err != nil {
			return 0, err
		}
		if its > d.rows/4 && its < d.rows {
			return its, s.mutate(ctx, k.table, fmt.Sprintf("%s AND asn = %d", where, asn))
		}
	}
	if !only {
		return d.rows, s.dropDay(ctx, k.table, d.day)
	}
	half, err := s.number(ctx, "looking for the older half", fmt.Sprintf("SELECT toInt64(quantileExact(%s)) FROM %s WHERE %s", k.at, k.table, where))
	if err != nil {
		return 0, err
	}
	n, err := s.number(ctx, "looking for the older half", fmt.Sprintf("SELECT toInt64(count()) FROM %s WHERE %s AND %s <= ?", k.table, where, k.at), half)
	if err != nil || n == 0 {
		return 0, err
	}
	return n, s.mutate(ctx, k.table, fmt.Sprintf("%s AND %s <= %d", where, k.at, half))
}
