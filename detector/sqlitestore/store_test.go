package sqlitestore_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

var start = time.UnixMilli(1_700_000_000_000)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func open(t *testing.T, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newStore(t *testing.T) *sqlitestore.Store {
	return open(t, filepath.Join(t.TempDir(), "store.db"))
}

func id(n int) (b report.BatchID) {
	binary.BigEndian.PutUint64(b[8:], uint64(n))
	return b
}

func count(end int, client uint64, raw uint64, weight float64, s model.Series) model.Count {
	if s.App == "" {
		s.App, s.Target, s.Source, s.Country = "shop", "https://shop.test", report.SourceAgent, "XA"
	}
	return model.Count{Series: s, Client: client, End: at(end), Raw: raw, Estimated: float64(raw) * weight}
}

func ingest(t *testing.T, s *sqlitestore.Store, cursor uint64, batches ...detector.Batch) detector.Ingested {
	t.Helper()
	done, err := s.Ingest(t.Context(), detector.Bunch{Source: "c1", Cursor: cursor, Batches: batches})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func batch(n int, counts ...model.Count) detector.Batch {
	return detector.Batch{ID: id(n), Received: start, App: "shop", Records: 2, Counts: counts}
}

func totals(t *testing.T, s *sqlitestore.Store, q model.TotalsQuery) []model.Total {
	t.Helper()
	all, err := s.Totals(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDuplicatesChangeNothing(t *testing.T) {
	s := newStore(t)
	b := batch(1, count(2, 7, 3, 1, model.Series{Outcome: report.TCPReset}))
	for i, want := range []detector.Ingested{{New: 1, Duplicates: 1}, {Duplicates: 2}} {
		if got := ingest(t, s, uint64(2*i+2), b, b); got != want {
			t.Errorf("round %d: %+v, want %+v", i, got, want)
		}
	}
	want := []model.Total{{Failed: 3, Clients: 1}}
	if got := totals(t, s, model.TotalsQuery{Since: start}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if n, err := s.Batches(t.Context(), start); n != 1 || err != nil {
		t.Errorf("%d batches, %v", n, err)
	}
	if c, err := s.Cursor(t.Context(), "c1"); c != 4 || err != nil {
		t.Errorf("cursor %d, %v", c, err)
	}
	if c, err := s.Cursor(t.Context(), "c2"); c != 0 || err != nil {
		t.Errorf("cursor of a source never seen: %d, %v", c, err)
	}
	info, found, err := s.Batch(t.Context(), id(1))
	if err != nil || !found || info != (model.BatchInfo{Feed: "c1", Received: start, App: "shop", Records: 2}) {
		t.Errorf("%+v %v %v", info, found, err)
	}
	if _, found, err := s.Batch(t.Context(), id(2)); found || err != nil {
		t.Errorf("a batch that never came: %v, %v", found, err)
	}
}

func TestTotalsGroupAndCountClients(t *testing.T) {
	s := newStore(t)
	ingest(t, s, 1,
		batch(1,
			count(2, 1, 10, 4, model.Series{Outcome: report.OK, Server: "a:1", ASN: 1, Protocol: "h2", Status: 200}),
			count(2, 1, 2, 1, model.Series{Outcome: report.TCPReset, Server: "a:1", ASN: 1})),
		batch(2,
			count(4, 2, 5, 1, model.Series{Outcome: report.OK, Server: "b:1", ASN: 2, Protocol: "h2", Status: 200}),
			count(4, 2, 1, 1, model.Series{Outcome: report.HTTPError, Server: "b:1", ASN: 2, Status: 503}),
			count(4, 2, 1, 1, model.Series{App: model.DeliveryApp, Target: "collector:c1", Outcome: report.TCPRefused, ASN: 2})),
		batch(3, count(4, 1, 1, 1, model.Series{Outcome: report.TCPReset, Server: "b:1", ASN: 1})))
	total := func(ok, failed float64, clients uint64, key model.Series) model.Total {
		return model.Total{Key: key, OK: ok, Failed: failed, Clients: clients}
	}
	by, everything := model.DimensionsOf, model.Series{}
	for name, c := range map[string]struct {
		q    model.TotalsQuery
		want []model.Total
	}{
		"everything": {model.TotalsQuery{Since: start}, []model.Total{total(45, 4, 2, everything)}},
		"by type": {model.TotalsQuery{Since: start, By: by(model.ByOutcome)}, []model.Total{
			total(0, 3, 1, model.Series{Outcome: "tcp.reset"}), total(0, 1, 1, model.Series{Outcome: "http.error"}), total(45, 0, 2, model.Series{Outcome: "ok"})}},
		"by network and server": {model.TotalsQuery{Since: start, By: by(model.ByASN, model.ByServer)}, []model.Total{
			total(40, 2, 1, model.Series{ASN: 1, Server: "a:1"}), total(5, 1, 1, model.Series{ASN: 2, Server: "b:1"}), total(0, 1, 1, model.Series{ASN: 1, Server: "b:1"})}},
		"by source and status": {model.TotalsQuery{Since: start, By: by(model.BySource, model.ByStatus, model.ByProtocol, model.ByCountry, model.ByApp, model.ByTarget), Limit: 1}, []model.Total{
			total(0, 3, 1, model.Series{Source: report.SourceAgent, Country: "XA", App: "shop", Target: "https://shop.test"})}},
		"below a type":      {model.TotalsQuery{Since: start, Type: "tcp"}, []model.Total{total(0, 3, 1, everything)}},
		"a part of a word":  {model.TotalsQuery{Since: start, Type: "tc", By: by(model.ByOutcome)}, nil},
		"the second bin":    {model.TotalsQuery{Since: at(2)}, []model.Total{total(5, 2, 2, everything)}},
		"the first bin":     {model.TotalsQuery{Since: start, Until: at(3)}, []model.Total{total(40, 2, 1, everything)}},
		"within a bin":      {model.TotalsQuery{Since: at(3)}, []model.Total{total(5, 2, 2, everything)}},
		"deliveries":        {model.TotalsQuery{Since: start, Delivery: true, By: by(model.ByTarget)}, []model.Total{total(0, 1, 1, model.Series{Target: "collector:c1"})}},
		"nothing to sum up": {model.TotalsQuery{Since: at(9), By: by(model.ByOutcome)}, nil},
	} {
		for i := range c.want {
			c.want[i].By = c.q.By
		}
		if got := totals(t, s, c.q); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
	servers, err := s.Servers(t.Context(), start)
	if want := []model.ServerCount{{Server: "b:1", OK: 5, Failed: 2}, {Server: "a:1", OK: 40, Failed: 2}}; err != nil || len(servers) != 2 || !slices.Contains(servers, want[0]) || !slices.Contains(servers, want[1]) {
		t.Errorf("%+v %v, want %+v", servers, err, want)
	}
}

func TestReachabilityCutsTimeIntoSteps(t *testing.T) {
	s := newStore(t)
	ingest(t, s, 1, batch(1,
		count(2, 1, 1, 1, model.Series{Outcome: report.OK, ASN: 1}),
		count(4, 1, 2, 1, model.Series{Outcome: report.TCPReset, ASN: 1}),
		count(6, 1, 4, 1, model.Series{Outcome: report.OK, ASN: 2}),
		count(6, 1, 8, 1, model.Series{App: model.DeliveryApp, Target: "collector:c1", Outcome: report.OK, ASN: 2})))
	got, err := s.Reachability(t.Context(), start, 4*time.Second)
	want := []model.Reach{{At: start, ASN: 1, OK: 1, Failed: 2}, {At: at(4), ASN: 2, OK: 4}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
	if _, err := s.Reachability(t.Context(), start, time.Millisecond); !errors.Is(err, model.ErrQuery) {
		t.Errorf("a tiny step: %v", err)
	}
}

func TestCellsAreOfFirstAttemptsByClient(t *testing.T) {
	s := newStore(t)
	ingest(t, s, 1, batch(1,
		count(2, 1, 3, 4, model.Series{Outcome: report.OK, Server: "a:1", ASN: 9}),
		count(4, math.MaxUint64, 2, 1, model.Series{Outcome: report.TCPReset, Server: "a:1", ASN: 9}),
		count(4, 1, 5, 1, model.Series{App: "shop", Target: "https://shop.test", Source: report.SourceAgent, Outcome: report.TCPReset, Flags: report.FlagRetry}),
		count(6, 1, 6, 1, model.Series{Outcome: report.OK})))
	got, err := s.Cells(t.Context(), at(2), at(4), 10)
	want := []detector.Cell{{App: "shop", Target: "https://shop.test", Outcome: report.TCPReset, Server: "a:1", ASN: 9, Country: "XA",
		Source: report.SourceAgent, Client: math.MaxUint64, Raw: 2, Estimated: 2}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
	if got, err := s.Cells(t.Context(), start, at(6), 2); len(got) != 2 || err != nil {
		t.Errorf("%d cells with a limit of 2, %v", len(got), err)
	}
}

func TestSamplesNewestFirst(t *testing.T) {
	s := newStore(t)
	sample := func(sec int, o report.Outcome, target string) model.Sample {
		return model.Sample{At: at(sec), App: "shop", Version: "1", OS: "linux", Source: report.SourceAgent, Target: target, URL: target + "/cart",
			Method: "GET", Outcome: o, Phase: o.Phase(), Protocol: "h2", Server: "a:1", Status: 503, Elapsed: 5 * time.Millisecond,
			TraceID: [16]byte{1, 2}, Flags: report.FlagRetry, ASN: 7, Country: "XA"}
	}
	one, two, three := sample(1, report.TCPReset, "https://a.test"), sample(2, report.TLSCertDateInvalid, "https://a.test"), sample(3, report.TCPReset, "https://b.test")
	b := batch(1)
	b.Samples = []model.Sample{one, two, three}
	ingest(t, s, 1, b)
	for name, c := range map[string]struct {
		q    model.SampleQuery
		want []model.Sample
	}{
		"all":       {model.SampleQuery{}, []model.Sample{three, two, one}},
		"limited":   {model.SampleQuery{Limit: 1}, []model.Sample{three}},
		"by prefix": {model.SampleQuery{Type: "tls.cert"}, []model.Sample{two}},
		"by target": {model.SampleQuery{Target: "https://a.test"}, []model.Sample{two, one}},
		"since":     {model.SampleQuery{Since: at(3)}, []model.Sample{three}},
	} {
		if got, err := s.Samples(t.Context(), c.q); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

func TestIncidentsAreUpdatedAndOrdered(t *testing.T) {
	s := newStore(t)
	first := model.Incident{ID: 1, App: "shop", Target: "https://shop.test", Outcome: report.TCPReset, Since: at(0).UTC(),
		Scope: model.Scope{ASNs: []uint32{64502}}, Title: "one", Evidence: []string{"e"}, Failed: 41, Requests: 44.5, Clients: 28}
	second := model.Incident{ID: 2, Since: at(60).UTC(), Until: at(90).UTC(), Title: "two"}
	third := model.Incident{ID: 3, Since: at(30).UTC(), Title: "three"}
	save := func(bin int, all ...model.Incident) {
		if err := s.SaveStep(t.Context(), at(bin), all); err != nil {
			t.Fatal(err)
		}
	}
	get := func(since int) (ids []int64) {
		all, err := s.Incidents(t.Context(), at(since))
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range all {
			ids = append(ids, i.ID)
		}
		return ids
	}
	if last, err := s.Evaluated(t.Context()); !last.IsZero() || err != nil {
		t.Errorf("evaluated before the first: %v %v", last, err)
	}
	save(100, first, second, third)
	if ids := get(0); !slices.Equal(ids, []int64{3, 1, 2}) {
		t.Errorf("%v, want open ones first, then the newest", ids)
	}
	if ids := get(95); !slices.Equal(ids, []int64{3, 1}) {
		t.Errorf("%v, want the open ones", ids)
	}
	all, err := s.Incidents(t.Context(), at(95))
	if err != nil || !reflect.DeepEqual(all[1], first) {
		t.Errorf("%+v %v, want %+v", all, err, first)
	}
	first.Until = at(110).UTC()
	save(112, first)
	save(110)
	if ids := get(95); !slices.Equal(ids, []int64{3, 1}) || slices.Equal(get(111), ids) {
		t.Errorf("a cleared incident: %v", ids)
	}
	if last, err := s.Evaluated(t.Context()); !last.Equal(at(112)) || err != nil {
		t.Errorf("evaluated %v %v", last, err)
	}
	if last, err := s.LastIncident(t.Context()); last != 3 || err != nil {
		t.Errorf("last incident %v %v", last, err)
	}
}

func TestQuarantineIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	for n := range 3 {
		var all []detector.Quarantined
		for i := range 60 {
			all = append(all, detector.Quarantined{ID: id(n*60 + i), Received: start, Reason: detector.ReasonOpen, Detail: "d", Segment: []byte{1}})
		}
		if _, err := s.Ingest(t.Context(), detector.Bunch{Source: "c1", Cursor: uint64(n), Quarantined: append(all, all[0])}); err != nil {
			t.Fatal(err)
		}
	}
	var rows, oldest int
	query(t, path, "SELECT count(*), min(id) FROM quarantine", &rows, &oldest)
	if rows > 100 || rows < 90 {
		t.Errorf("%d batches in quarantine, the oldest is number %d; want the newest 100", rows, oldest)
	}
}

// query asks the file itself.
func query(t *testing.T, path, q string, into ...any) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(q).Scan(into...); err != nil {
		t.Fatal(err)
	}
}

func TestPruneKeepsWhatIsYoung(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	now := start.Add(100 * 24 * time.Hour)
	put := func(n int, age time.Duration) {
		c := count(0, uint64(n), 1, 1, model.Series{Outcome: report.OK, ASN: uint32(n)})
		c.End = now.Add(-age)
		b := batch(n, c)
		b.Received = now.Add(-age)
		b.Samples = []model.Sample{{At: now.Add(-age)}}
		ingest(t, s, uint64(n), b)
	}
	day := 24 * time.Hour
	for n, age := range []time.Duration{0, day, 3 * day, 8 * day, 29 * day, 32 * day, 50 * day} {
		put(n+1, age)
	}
	for i, age := range []time.Duration{0, 40 * day} {
		inc := model.Incident{ID: int64(i + 1), Since: now.Add(-age - day), Until: now.Add(-age)}
		if err := s.SaveStep(t.Context(), now, []model.Incident{inc, {ID: 9, Since: now.Add(-60 * day)}}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second finds nothing to do
		if err := s.Prune(t.Context(), now, detector.Retention{}); err != nil {
			t.Fatal(err)
		}
		for table, want := range map[string]int{"rollups": 5, "sightings": 2, "samples": 3, "batches": 5, "series": 5, "incidents": 2} {
			var rows int
			query(t, path, "SELECT count(*) FROM "+table, &rows)
			if rows != want {
				t.Errorf("%s has %d rows, want %d", table, rows, want)
			}
		}
	}
	put(7, 0) // its series is gone from the file and must be gone from memory
	if got := totals(t, s, model.TotalsQuery{Since: now.Add(-time.Second)}); len(got) != 1 || got[0].Clients != 2 {
		t.Errorf("%+v", got)
	}
}

func TestPruneDeletesManyRowsInPortions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	var counts []model.Count
	for i := range 12_000 {
		counts = append(counts, count(2*(i%40), uint64(i), 1, 1, model.Series{Outcome: report.OK}))
	}
	ingest(t, s, 1, batch(1, counts...))
	if err := s.Prune(t.Context(), at(60).Add(2*24*time.Hour), detector.Retention{}); err != nil {
		t.Fatal(err)
	}
	var rows int
	query(t, path, "SELECT count(*) FROM sightings", &rows)
	if rows != 12_000/40*10 { // bins that end at 60, 62, … 78
		t.Errorf("%d sightings left", rows)
	}
}

func TestInventedCountsDoNotStopTheFlow(t *testing.T) {
	s := newStore(t)
	for n := range 10 {
		ingest(t, s, uint64(n+1), batch(n, count(2, 1, 1<<32, 1_000_000, model.Series{Outcome: report.OK})))
	}
	if got := totals(t, s, model.TotalsQuery{Since: start}); got[0].OK != 10*(1<<32)*1e6 {
		t.Errorf("%+v", got)
	}
}

func TestOpenRefusesWhatIsNoStore(t *testing.T) {
	dir := t.TempDir()
	write := func(name, statement string) string {
		path := filepath.Join(dir, name)
		db, err := sql.Open("sqlite3", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("this is no database, but it is long enough to look at: "+string(make([]byte, 4096))), 0o600); err != nil {
		t.Fatal(err)
	}
	future := filepath.Join(dir, "future")
	if err := open(t, future).Close(); err != nil {
		t.Fatal(err)
	}
	write("future", "PRAGMA user_version = 99")
	for name, path := range map[string]string{"text": text, "another application's": write("other", "CREATE TABLE t (x)"), "a newer release's": future} {
		if _, err := sqlitestore.Open(t.Context(), path); !errors.Is(err, sqlitestore.ErrSchema) {
			t.Errorf("%s file: %v, want ErrSchema", name, err)
		}
	}
	if _, err := sqlitestore.Open(t.Context(), filepath.Join(dir, "none", "store.db")); err == nil {
		t.Error("a directory that is missing must be an error")
	}
}

func TestReadyAndClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v, want mode 0600", info.Mode(), err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.SaveStep(gone, start, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a write after its context ended: %v", err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := s.Ready(t.Context()); err == nil {
		t.Error("a closed store is not ready")
	}
}
