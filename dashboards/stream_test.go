package dashboards

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/model"
)

// reading is one open stream.
type reading struct {
	t    *testing.T
	resp *http.Response
	scan *bufio.Scanner
}

func openStream(t *testing.T, client *http.Client, url string) *reading {
	t.Helper()
	return openSections(t, client, url, "")
}

// openSections is like openStream with a list of sections; "" means all.
func openSections(t *testing.T, client *http.Client, url, sections string) *reading {
	t.Helper()
	resp, err := client.Get(url + "/api/v1/stream?sections=" + sections)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	scan := bufio.NewScanner(resp.Body)
	scan.Buffer(nil, 1<<20)
	return &reading{t: t, resp: resp, scan: scan}
}

// next returns the next event and the comments before it. At the end of the stream, the name is "".
func (r *reading) next() (name, data, comments string) {
	r.t.Helper()
	for r.scan.Scan() {
		switch line := r.scan.Text(); {
		case line == "" && name != "":
			return name, data, comments
		case strings.HasPrefix(line, ":"):
			comments += line
		case strings.HasPrefix(line, "event: "):
			name = line[len("event: "):]
		case strings.HasPrefix(line, "data: "):
			data = line[len("data: "):]
		case line != "":
			r.t.Fatalf("not an event stream: %q", line)
		}
	}
	return "", "", comments
}

// wantNext reads the next event and checks its name and that its data has something in it.
func (r *reading) wantNext(name, has string) string {
	r.t.Helper()
	got, data, _ := r.next()
	if got != name || !strings.Contains(data, has) {
		r.t.Fatalf("event %q %s\nwant %q with %s", got, data, name, has)
	}
	return data
}

func (r *reading) close() { r.resp.Body.Close() }

func TestStreamSendsASnapshotAndThenWhatChanged(t *testing.T) {
	m := fleet(t, 9)
	reader := &fakeReader{totals: []model.Total{{Key: model.Series{Outcome: "ok"}, By: model.DimensionsOf(model.ByOutcome), OK: 5}}}
	d, url, end := serveUntil(t, Options{Reader: reader, Servers: m})
	stream := openStream(t, http.DefaultClient, url)
	defer stream.close()

	var snapshot map[string]json.RawMessage
	if err := json.Unmarshal([]byte(stream.wantNext("snapshot", `"ok":5`)), &snapshot); err != nil {
		t.Fatal(err)
	}
	if string(snapshot["trouble"]) != "null" || string(snapshot["incidents"]) != "[]" || snapshot["clock"] == nil {
		t.Errorf("trouble %s, incidents %s, clock %s; want null, [] and a time", snapshot["trouble"], snapshot["incidents"], snapshot["clock"])
	}
	for member := range reflect.TypeFor[api.Snapshot]().Fields() {
		name, _, _ := strings.Cut(member.Tag.Get("json"), ",")
		if _, ok := snapshot[name]; !ok {
			t.Errorf("the snapshot lacks %s", name)
		}
		delete(snapshot, name)
	}
	if len(snapshot) > 0 {
		t.Errorf("the snapshot has %v, which its type lacks", snapshot)
	}

	reader.set(func(f *fakeReader) {
		f.totals = []model.Total{{Key: model.Series{Outcome: "ok"}, By: model.DimensionsOf(model.ByOutcome), OK: 6}}
		f.incidents = []model.Incident{{ID: 1, Title: "reset", Since: time.Now()}}
	})
	m.Set(4, heatmap.Up, time.Now())
	want := map[string]string{"totals": `"ok":6`, "incidents": `"title":"reset"`, "servers": `"up":1`}
	for len(want) > 0 {
		name, data, _ := stream.next()
		if has, ok := want[name]; name != "reachability" && name != "now" && name != "curve" && (!ok || !strings.Contains(data, has)) {
			t.Fatalf("event %q %s\nwant one of %v", name, data, want)
		}
		delete(want, name)
	}

	end()
	name, data, _ := stream.next()
	// its last column may have moved on with the clock
	for name == "reachability" || name == "curve" {
		name, data, _ = stream.next()
	}
	if name != "" {
		t.Errorf("after the shutdown came %s %s", name, data)
	}
	if resp, _ := fetch(t, url+"/api/v1/stream"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a stream after the shutdown: %s, want 503", resp.Status)
	}
	if err := d.Run(t.Context()); err == nil {
		t.Error("Run may be called twice")
	}
}

func TestStreamsAreBounded(t *testing.T) {
	_, url := serve(t, Options{Reader: &fakeReader{}, MaxStreams: 1})
	first := openStream(t, http.DefaultClient, url)
	first.wantNext("snapshot", "")
	resp, body := fetch(t, url+"/api/v1/stream")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "too many") {
		t.Errorf("a second stream: %s %s", resp.Status, body)
	}
	first.close()
	for { // the first one's place is free as soon as the server notices
		resp, err := http.Get(url + "/api/v1/stream")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
}

// The tests below run in virtual time: an HTTP server and its client over connections in memory.

// memory is a listener whose connections are pipes.
type memory struct {
	conns chan net.Conn
	done  chan struct{}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error   { close(m.done); return nil }
func (m *memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// virtual serves a dashboard in memory, with the timeouts of a real listener. The test must call
// stop before the bubble ends.
func virtual(t *testing.T, o Options) (d *Dashboard, client *http.Client, stop func()) {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ln := &memory{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: d, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second}
	end := run(t, d)
	ended := make(chan error)
	go func() { ended <- server.Serve(ln) }()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		ln.conns <- there
		return here, nil
	}}
	return d, &http.Client{Transport: transport}, func() {
		end()
		transport.CloseIdleConnections()
		server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}
}

func (l *live) watching() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.watchers
}

func TestStreamBeatsWhileNothingChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client, stop := virtual(t, Options{Reader: &fakeReader{}, Step: time.Hour})
		defer stop()
		stream := openStream(t, client, "http://localhost")
		defer stream.close()
		stream.wantNext("snapshot", "")
		began := time.Now()
		for range 8 { // two minutes: longer than the listener's timeouts
			name, data, comments := stream.next()
			// its last column moves on with the clock
			for name == "reachability" || name == "curve" {
				name, data, comments = stream.next()
			}
			if name != "clock" || !strings.Contains(data, `"now":"`) || !strings.Contains(comments, "heartbeat") {
				t.Fatalf("after %v: %q %s %s", time.Since(began), name, data, comments)
			}
		}
		if took := time.Since(began).Round(time.Second); took != 120*time.Second {
			t.Errorf("eight heartbeats took %v, want 2m", took)
		}
	})
}

func TestSlowReaderIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := &fakeReader{totals: []model.Total{{Key: model.Series{Outcome: "ok"}, By: model.DimensionsOf(model.ByOutcome), OK: 1}}}
		d, client, stop := virtual(t, Options{Reader: reader})
		defer stop()
		slow, fast := openStream(t, client, "http://localhost"), openStream(t, client, "http://localhost")
		defer slow.close()
		slow.wantNext("snapshot", "")
		fast.wantNext("snapshot", "")
		events := make(chan string)
		go func() {
			defer close(events)
			for name, _, _ := fast.next(); name != ""; name, _, _ = fast.next() {
				events <- name
			}
		}()
		// From here on slow reads nothing. Its pipe takes no byte, its transport's buffers a
		// few thousand.
		reader.set(func(f *fakeReader) {
			f.incidents = []model.Incident{{ID: 1, Title: strings.Repeat("long ", 20_000), Since: time.Now()}}
		})
		for _, want := range []string{"now", "curve", "incidents"} {
			if got := <-events; got != want {
				t.Fatalf("the fast reader got %s, want %s", got, want)
			}
		}
		time.Sleep(writeTimeout + time.Second)
		synctest.Wait()
		if n := d.live.watching(); n != 1 {
			t.Errorf("%d streams, want only the one that reads", n)
		}
		reader.set(func(f *fakeReader) {
			f.totals = []model.Total{{Key: model.Series{Outcome: "ok"}, By: model.DimensionsOf(model.ByOutcome), OK: 2}}
		})
		for got := range events {
			if got == "totals" {
				break
			}
		}
		fast.close()
		for range events {
		}
	})
}

func TestStoreIsLookedAtOnlyWhileSomebodyWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := &fakeReader{}
		_, client, stop := virtual(t, Options{Reader: reader})
		defer stop()
		time.Sleep(time.Hour)
		if n := reader.count(); n != 0 {
			t.Errorf("%d queries while nobody watched", n)
		}
		stream := openStream(t, client, "http://localhost")
		stream.wantNext("snapshot", "")
		first := reader.count() // once a minute it asks more
		time.Sleep(time.Second + time.Second/2)
		perLook := reader.count() - first
		time.Sleep(8 * time.Second)
		if n := reader.count(); n != first+9*perLook {
			t.Errorf("%d queries in ten seconds, want %d a second", n, perLook)
		}
		stream.close()
		synctest.Wait()
		time.Sleep(2 * time.Second)
		before := reader.count()
		time.Sleep(time.Hour)
		if n := reader.count(); n != before {
			t.Errorf("%d queries after the last reader left", n-before)
		}
	})
}

func TestSlowStoreIsLookedAtLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := &fakeReader{takes: time.Second}
		_, client, stop := virtual(t, Options{Reader: reader})
		defer stop()
		stream := openStream(t, client, "http://localhost")
		defer stream.close()
		began := time.Now()
		stream.wantNext("snapshot", "")
		look, perLook := time.Since(began), reader.count()
		time.Sleep(100 * look)
		if n := reader.count(); n > 11*perLook+perLook {
			t.Errorf("%d queries in a hundred times what a look takes, want about ten looks of %d", n, perLook)
		}
	})
}

func TestTroubleWithTheStoreIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := &fakeReader{totals: []model.Total{{Key: model.Series{Outcome: "ok"}, By: model.DimensionsOf(model.ByOutcome), OK: 7}}}
		_, client, stop := virtual(t, Options{Reader: reader})
		defer stop()
		stream := openStream(t, client, "http://localhost")
		defer stream.close()
		stream.wantNext("snapshot", `"ok":7`)
		reader.set(func(f *fakeReader) { f.err = io.ErrUnexpectedEOF })
		stream.wantNext("trouble", `"since":"`)
		late := openStream(t, client, "http://localhost")
		defer late.close()
		if data := late.wantNext("snapshot", `"trouble":{"since"`); !strings.Contains(data, `"ok":7`) {
			t.Errorf("what was known is lost: %s", data)
		}
		reader.set(func(f *fakeReader) { f.err = nil })
		stream.wantNext("trouble", "null")
	})
}

func TestOnlyWatchedSectionsAreReadAndSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := &fakeReader{incidents: []model.Incident{{ID: 1, Title: "first", Since: time.Now()}}}
		_, client, stop := virtual(t, Options{Reader: reader})
		defer stop()
		one := openSections(t, client, "http://localhost", "incidents,servers")
		defer one.close()
		data := one.wantNext("snapshot", `"title":"first"`)
		var snapshot map[string]json.RawMessage
		if err := json.Unmarshal([]byte(data), &snapshot); err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(maps.Keys(snapshot)); !slices.Equal(got, []string{"clock", "incidents", "servers", "trouble"}) {
			t.Errorf("the snapshot has %v", got)
		}
		if n := reader.count(); n != 1 {
			t.Errorf("%d queries, want only that for incidents", n)
		}
		other := openSections(t, client, "http://localhost", "reports,incidents")
		defer other.close()
		if data := other.wantNext("snapshot", `"reports":[]`); !strings.Contains(data, `"title":"first"`) {
			t.Errorf("no incidents in %s", data)
		}
		reader.set(func(f *fakeReader) { f.samples = []model.Sample{{Outcome: "tcp.reset", At: time.Now()}} })
		other.wantNext("reports", "tcp.reset")
		reader.set(func(f *fakeReader) { f.incidents[0].Title = "second" })
		one.wantNext("incidents", "second") // and no reports before it
		other.wantNext("incidents", "second")
		other.close()
		synctest.Wait()
		time.Sleep(2*time.Second + time.Second/2) // between two looks
		before := reader.count()
		time.Sleep(10 * time.Second)
		if n := reader.count() - before; n != 10 {
			t.Errorf("%d queries in ten seconds, want one a second", n)
		}
	})
}

func TestStreamThatIsStuckEndsWithTheDashboard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := &fakeReader{}
		d, client, stop := virtual(t, Options{Reader: reader})
		stuck := openStream(t, client, "http://localhost")
		defer stuck.close()
		stuck.wantNext("snapshot", "")
		reader.set(func(f *fakeReader) {
			f.incidents = []model.Incident{{ID: 1, Title: strings.Repeat("long ", 20_000), Since: time.Now()}}
		})
		time.Sleep(2 * time.Second) // now it is written, and nobody reads
		began := time.Now()
		stop()
		if took := time.Since(began); took > lastWrite || d.live.watching() != 0 {
			t.Errorf("the end took %v with %d streams left", took, d.live.watching())
		}
	})
}

// TestServersThatChangeAreToldAtOnce: a server that changes after a quiet second is told within
// peekEvery, and the next change not before a second is over. Other sections are not read for it.
func TestServersThatChangeAreToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := fleet(t, 9)
		reader := &fakeReader{}
		_, client, stop := virtual(t, Options{Reader: reader, Servers: m})
		defer stop()
		stream := openSections(t, client, "http://localhost", "incidents,servers")
		defer stream.close()
		stream.wantNext("snapshot", `"servers"`)
		time.Sleep(10*refreshEvery + refreshEvery/3)
		reads := reader.count()
		began := time.Now()
		m.Set(1, heatmap.Down, began)
		stream.wantNext("servers", `"down":1`)
		if took := time.Since(began); took > peekEvery || reader.count() != reads {
			t.Errorf("told after %v, %d reads of the store", took, reader.count()-reads)
		}
		m.Set(2, heatmap.Down, time.Now())
		stream.wantNext("servers", `"down":2`)
		if took := time.Since(began); took < refreshEvery || took > refreshEvery+3*peekEvery {
			t.Errorf("the next change was told %v after the first", took)
		}
	})
}

// TestStreamNamesServersThatChanged: a change of few servers comes with their states, from the
// version before to this one; one of many does not, and the bits tell their version.
func TestStreamNamesServersThatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := fleet(t, 700)
		_, client, stop := virtual(t, Options{Reader: &fakeReader{}, Servers: m})
		defer stop()
		stream := openSections(t, client, "http://localhost", "servers")
		defer stream.close()
		stream.wantNext("snapshot", `"servers"`)
		// between two looks at the map, so that none falls into the changes
		pause := func() { time.Sleep(2*refreshEvery + peekEvery/2) }
		pause()
		m.Set(7, heatmap.Down, time.Now())
		stream.wantNext("servers", `"changes":{"since":0,"version":1,"down":[7]}`)
		pause()
		m.Set(7, heatmap.Up, time.Now())
		m.Set(8, heatmap.Down, time.Now())
		m.Set(8, heatmap.Unknown, time.Now())
		stream.wantNext("servers", `"changes":{"since":1,"version":4,"up":[7],"unknown":[8]}`)
		pause()
		for i := range maxToldChanges + 1 {
			m.Set(i, heatmap.Down, time.Now())
		}
		if data := stream.wantNext("servers", `"down":501`); strings.Contains(data, "changes") {
			t.Errorf("501 servers are named: %s", data)
		}
		resp, err := client.Get("http://localhost/api/v1/servers.bits")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got := resp.Header.Get("X-Servers-Version"); got != "505" {
			t.Errorf("the bits are of version %q, want 505", got)
		}
	})
}
