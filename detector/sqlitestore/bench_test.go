package sqlitestore_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// benchPage is a page of 256 batches as agents send them: one client each, six counters, one bin of
// ten.
func benchPage(n int) *detector.FeedPage {
	page := &detector.FeedPage{Feed: "c1", Cursor: uint64(n + 1)}
	for i := range 256 {
		client := sketch.Hash(sketch.Key{}, uint64(i%4000+n%16*256))
		b := detector.Batch{ID: id(n*256 + i + 1), Received: start, App: "shop", Records: 2}
		for c := range 6 {
			s := model.Series{App: "shop", Target: "https://shop.test", Outcome: report.OK, Protocol: "h2", Status: 200,
				Server: fmt.Sprintf("192.0.2.%d:443", (i+c)%20), ASN: uint32(64500 + i%40), Country: "XA", Source: report.SourceAgent}
			if c == 5 {
				s.Outcome, s.Protocol, s.Status = report.TCPReset, "", 0
			}
			b.Counts = append(b.Counts, model.Count{Series: s, Client: client, End: at(60 * (n / 16 % 10)), Raw: 3, Estimated: 3})
		}
		page.Batches = append(page.Batches, b)
	}
	return page
}

func benchStore(b *testing.B) *sqlitestore.Events {
	b.Helper()
	s, err := sqlitestore.OpenEvents(b.Context(), filepath.Join(b.TempDir(), "store.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func BenchmarkAppend(b *testing.B) {
	s := benchStore(b)
	n := 0
	for b.Loop() {
		if _, err := s.Append(b.Context(), benchPage(n)); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(n*256*6)/b.Elapsed().Seconds(), "counts/s")
}

func BenchmarkCells(b *testing.B) {
	s := benchStore(b)
	for n := range 160 {
		if _, err := s.Append(b.Context(), benchPage(n)); err != nil {
			b.Fatal(err)
		}
	}
	cells := 0
	for b.Loop() {
		all, err := s.Cells(b.Context(), start, at(60))
		if err != nil {
			b.Fatal(err)
		}
		cells = len(all)
	}
	b.ReportMetric(float64(cells), "cells")
}

func BenchmarkTotals(b *testing.B) {
	s := benchStore(b)
	for n := range 160 {
		if _, err := s.Append(b.Context(), benchPage(n)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := s.Totals(b.Context(), model.TotalsQuery{Since: start.Add(-time.Hour), By: model.DimensionsOf(model.ByASN)}); err != nil {
			b.Fatal(err)
		}
	}
}
