package clickhouse

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/clickhousestore"
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/internal/clickhousetest"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/simulate"
)

// judged is a store and a judge that reads from it what is to be judged, as a detector does.
type judged struct {
	name   string
	events detector.Events
	judge  *judgement.Judge
	given  uint64
	opened []judgement.Event
}

// world passes what the users of a simulated service report to stores. It is a simulate.Sink.
type world struct {
	t      *testing.T
	stores []*judged
	batch  detector.Batch
	pages  uint64
}

// pageMS is how much simulated time a page of the feed has.
const pageMS = 20_000

func (w *world) Row(r simulate.Row) error {
	const width = 10_000
	w.batch.Rows = append(w.batch.Rows, r)
	w.batch.Counts = append(w.batch.Counts, model.Count{Client: max(r.Client, 1), Bucket: r.Bucket, Raw: r.Raw, Estimated: r.Estimated, End: time.UnixMilli(r.At/width*width + width),
		Series: model.Series{App: r.App, Target: r.Target, Outcome: r.Outcome, Protocol: r.Protocol, Status: r.Status, Server: r.Server, ASN: r.ASN, Country: r.Country, Source: r.Source}})
	return nil
}

func (w *world) Probe(simulate.Probe) error { return nil }

// Tick stores a page and judges it.
func (w *world) Tick(at int64) error {
	if at%pageMS != 0 {
		return nil
	}
	w.pages++
	w.batch.Received, w.batch.App = time.UnixMilli(at), "shop"
	binary.BigEndian.PutUint64(w.batch.ID[:], w.pages)
	page := &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{w.batch}}
	w.batch = detector.Batch{}
	for _, s := range w.stores {
		if err := s.take(w.t, page, at); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func (s *judged) take(t *testing.T, page *detector.FeedPage, at int64) error {
	ctx := t.Context()
	if _, err := s.events.Append(ctx, page); err != nil {
		return err
	}
	pages, _, err := s.events.Unjudged(ctx, s.given)
	if err != nil {
		return err
	}
	for _, p := range pages {
		text, err := s.events.Rows(ctx, p.Number)
		if err != nil {
			return err
		}
		rows, err := detector.DecodeRows(text)
		if err != nil {
			return err
		}
		for _, r := range rows {
			s.judge.Add(r)
		}
		s.given = p.Number
	}
	s.opened = append(s.opened, s.judge.Advance(at)...)
	return s.events.Judged(ctx, s.given)
}

// TestSameIncidents: a simulated outage gives the same incidents, and the same answers of the page,
// with events in SQLite and in ClickHouse.
func TestSameIncidents(t *testing.T) { sameIncidents(t, false) }

// TestSameIncidentsWhileAway: the incidents are the same if ClickHouse is away from the start to
// the end, and the answers when it is back.
func TestSameIncidentsWhileAway(t *testing.T) { sameIncidents(t, true) }

func sameIncidents(t *testing.T, away bool) {
	t.Helper()
	server := clickhousetest.Start(t)
	o := optionsOf(t, server)
	if away {
		server.Kill()
	}
	clickhouse, err := clickhousestore.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer clickhouse.Close()
	sqlite, err := sqlitestore.OpenEvents(t.Context(), filepath.Join(t.TempDir(), "events.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer sqlite.Close()
	s, err := simulate.Load("../../simulate/scenarios/server-dead.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// in half an hour instead of an hour and a half
	s.Duration.Duration, s.Faults[0].Start.Duration, s.Faults[0].Duration.Duration = 28*time.Minute, 15*time.Minute, 8*time.Minute
	w := &world{t: t, stores: []*judged{{name: "sqlite", events: sqlite}, {name: "clickhouse", events: clickhouse}}}
	for _, of := range w.stores {
		if of.judge, err = judgement.New(judgement.Options{Seed: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := simulate.Run(s, 1, w); err != nil {
		t.Fatal(err)
	}
	a, b := w.stores[0], w.stores[1]
	if len(a.opened) == 0 || !reflect.DeepEqual(a.opened, b.opened) {
		t.Errorf("with SQLite: %+v\nwith ClickHouse: %+v", a.opened, b.opened)
	}
	if away {
		server.Restart(t)
		awaitReady(t, clickhouse)
	}
	since, end := s.Start.Time, s.Start.Add(s.Duration.Duration)
	for name, ask := range map[string]func(e detector.Events) (any, error){
		"totals": func(e detector.Events) (any, error) {
			return e.Totals(t.Context(), model.TotalsQuery{Since: since, By: model.DimensionsOf(model.ByServer, model.ByOutcome, model.ByASN)})
		},
		"curve": func(e detector.Events) (any, error) {
			return e.Curve(t.Context(), model.CurveQuery{Since: since, Step: time.Minute, Clients: true, Type: report.TCPRefused})
		},
		"reachability": func(e detector.Events) (any, error) {
			return e.Reachability(t.Context(), model.ReachQuery{Since: since, Step: 5 * time.Minute})
		},
		"servers": func(e detector.Events) (any, error) { return e.Servers(t.Context(), since) },
		"rollups": func(e detector.Events) (any, error) {
			return e.Rollups(t.Context(), model.RollupQuery{Step: model.RollupMinute, By: []model.Facet{model.FacetVersion, model.FacetASN}})
		},
		"cells": func(e detector.Events) (any, error) {
			cells, err := e.Cells(t.Context(), end.Add(-5*time.Minute), end)
			return len(cells), err
		},
	} {
		want, err := ask(sqlite)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ask(clickhouse)
		if err != nil {
			t.Fatal(err)
		}
		if reflect.ValueOf(want).Kind() == reflect.Slice && reflect.ValueOf(want).Len() == 0 || !near(reflect.ValueOf(got), reflect.ValueOf(want)) {
			t.Errorf("%s:\nwith SQLite %.2000s\nwith ClickHouse %.2000s", name, fmt.Sprint(want), fmt.Sprint(got))
		}
	}
}

// near is reflect.DeepEqual but for the rounding of sums, which depends on their order.
func near(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !near(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		if at, ok := a.Interface().(time.Time); ok {
			return at.Equal(b.Interface().(time.Time))
		}
		for i := range a.NumField() {
			if !near(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Float64:
		return a.Float()-b.Float() <= 1e-6*max(1, a.Float()) && b.Float()-a.Float() <= 1e-6*max(1, a.Float())
	default:
		return reflect.DeepEqual(a.Interface(), b.Interface())
	}
}
