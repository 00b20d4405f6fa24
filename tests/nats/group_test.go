package nats

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/natsinbox"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/freeport"
)

// member is a detector of a group, a process with a store of its own.
type member struct {
	*site
	name    string
	config  string
	process *exec.Cmd
}

// newMember writes the configuration of a detector that reads the stream c1 of a server. more are
// further lines of it.
func (s *site) newMember(name string, n *node, group, feed, more string) *member {
	s.Helper()
	listen := func() string { return fmt.Sprintf("127.0.0.1:%d", freeport.On(s.T, "127.0.0.1")) }
	m := &member{site: &site{T: s.T, binary: s.binary, dir: s.dir, operations: listen(), dashboard: listen()}, name: name, config: filepath.Join(s.dir, name+".yaml")}
	text := fmt.Sprintf(`detector:
  store: %s.db
  map_history: ""
  bin: 5s
  grace: 1s
  group: {id: %s, member: %s, servers: [%q]}
  feeds:
  - {id: c1, nats: {servers: [%q], %s}}
dashboard: {listen: %q, least_clients: 1}
operations: {listen: %q}
%s`, name, group, name, n.url(), n.url(), feed, m.dashboard, m.operations, more)
	if err := os.WriteFile(m.config, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	return m
}

func (m *member) start() { m.process = m.site.start("detector", "--config", m.config) }
func (m *member) kill()  { end(m.process) }

// metric returns the value of a metric, 0 if it has none.
func (m *member) metric(ctx context.Context, series string) (float64, error) {
	text, err := m.get(ctx, "http://"+m.operations+"/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, nil
}

// judged waits until the member has judged enough to know what is usual.
func (m *member) judged() {
	m.Helper()
	eventually(m.T, m.name+" knows what is usual", func(ctx context.Context) (int, error) {
		got, err := m.metric(ctx, "heliograph_detector_bins_total")
		if err == nil && got < 60 { // five minutes
			err = fmt.Errorf("it has judged %v bins", got)
		}
		return 0, err
	})
}

// opened returns how many batches the member has opened itself as its part.
func (m *member) opened() float64 {
	m.Helper()
	return eventually(m.T, "the metrics of "+m.name, func(ctx context.Context) (float64, error) {
		return m.metric(ctx, `heliograph_group_batches_total{how="own"}`)
	})
}

// meets waits until so many members are there.
func (m *member) meets(members int) {
	m.Helper()
	eventually(m.T, fmt.Sprintf("%s meets %d members", m.name, members), func(ctx context.Context) (int, error) {
		got, err := m.metric(ctx, "heliograph_group_members")
		if err == nil && int(got) != members {
			err = fmt.Errorf("it has %v", got)
		}
		return 0, err
	})
}

// stored waits until the store has exactly so many successful requests.
func (m *member) stored(want int) {
	m.Helper()
	eventually(m.T, fmt.Sprintf("%s has stored %d batches", m.name, want), func(ctx context.Context) (int, error) {
		text, err := m.get(ctx, "http://"+m.dashboard+"/api/v1/totals?by=type")
		if err == nil && !strings.Contains(text, fmt.Sprintf("\"ok\":%d,", want)) {
			err = fmt.Errorf("it has %s", text)
		}
		return 0, err
	})
}

// get returns what is at a URL.
func (m *member) get(ctx context.Context, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// outlet publishes sealed batches to a stream, as a collector does.
type outlet struct {
	testing.TB
	queue *natsinbox.Queue
	key   *seal.Key
	sent  int
	age   time.Duration // of what is sent
}

func (s *site) newOutlet(n *node, o natsinbox.Options) *outlet {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "keys/seal.pem"))
	if err != nil {
		s.Fatal(err)
	}
	key, err := keyfile.ParseSealKey(text)
	if err != nil {
		s.Fatal(err)
	}
	return newOutlet(s.T, n, key, o)
}

func newOutlet(t testing.TB, n *node, key *seal.Key, o natsinbox.Options) *outlet {
	t.Helper()
	o.Servers, o.Stream, o.Replicas, o.Monitor = []string{n.url()}, "c1", 1, n.monitorURL()
	queue, err := natsinbox.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { queue.Close() })
	return &outlet{TB: t, queue: queue, key: key}
}

// send publishes n batches, each of a client with one request, which ended in an outcome.
func (s *outlet) send(n int, outcome report.Outcome) {
	s.Helper()
	all := s.entries(n, outcome)
	eventually(s.TB, "publishing", func(ctx context.Context) (int, error) { return 0, s.queue.Append(ctx, all) })
}

func (s *outlet) entries(n int, outcome report.Outcome) []collector.Entry {
	all := make([]collector.Entry, n)
	for i := range all {
		all[i] = s.entry(outcome)
	}
	return all
}

func (s *outlet) entry(outcome report.Outcome) collector.Entry {
	s.sent++
	now, n := time.Now().Add(-s.age), uint64(s.sent)
	var id report.BatchID
	binary.BigEndian.PutUint32(id[:], uint32(now.Unix()/60))
	binary.BigEndian.PutUint64(id[8:], n)
	header := &report.Header{Source: report.SourceAgent, App: "shop", Version: "1.0", OS: "linux", Consent: report.Counts}
	client := n % 400
	binary.BigEndian.PutUint64(header.Client[:], (client+1)*0x9e3779b97f4a7c15)
	window := &report.Window{Length: 1000, SampledPPM: report.FullPPM, Counters: []report.Counter{
		{Target: "https://shop.example", Server: "192.0.2.1:443", Outcome: outcome, Count: 1}}}
	if outcome == report.OK {
		window.Counters[0].Protocol, window.Counters[0].Status = "h2", 200
	}
	sealer, err := seal.NewSealer(s.key, id)
	if err != nil {
		s.Fatal(err)
	}
	segment := sealer.Prefix()
	for _, r := range []report.Record{header, window} {
		record, err := report.AppendRecord(nil, r)
		if err == nil {
			segment, err = sealer.Seal(segment, record)
		}
		if err != nil {
			s.Fatal(err)
		}
	}
	segment = seal.AppendEnd(segment)
	return collector.Entry{Body: sha256.Sum256(segment), Envelope: report.Envelope{Batch: id, Received: now.UnixMilli(), Collector: "c1", Country: "DE",
		ASN: uint32(64500 + client%40), Bucket: report.Bucket(1 + client), Segment: segment}}
}

// TestGroupSharesTheWork: two and then four detectors read one stream. Each opens its part and
// stores every batch, once, also if one of them is killed meanwhile and comes back.
func TestGroupSharesTheWork(t *testing.T) {
	t.Parallel()
	n := alone(t, "always")
	s := newSite(t, "inbox.db")
	names := []string{"m1", "m2", "m3", "m4"}
	from := s.newOutlet(n, natsinbox.Options{Readers: names})
	var all []*member
	for _, name := range names {
		all = append(all, s.newMember(name, n, "test", "source: c1, reader: "+name, ""))
	}
	const part = 1000
	for _, count := range []int{2, 4} {
		group := all[:count]
		for _, m := range group {
			if m.process == nil {
				m.start()
			}
		}
		from.send(1, report.OK)
		for _, m := range group {
			m.meets(count)
			m.stored(from.sent)
		}
		before := make([]float64, count)
		for i, m := range group {
			before[i] = m.opened()
		}
		for range part / 100 {
			from.send(100, report.OK)
		}
		sum := 0.0
		for i, m := range group {
			m.stored(from.sent)
			own := m.opened() - before[i]
			sum += own
			t.Logf("%s of %d has opened %v of %d", m.name, count, own, part)
			if fair := float64(part) / float64(count); own < fair/2 || own > 2*fair {
				t.Errorf("%s of %d has opened %v of %d", m.name, count, own, part)
			}
		}
		if sum > 1.5*part {
			t.Errorf("%v of %d batches were opened by %d members", sum, part, count)
		}
	}
	for i := range 6 {
		from.send(100, report.OK)
		if i == 2 {
			all[1].kill()
		}
	}
	all[0].stored(from.sent)
	all[0].meets(3)
	all[1].start()
	from.send(100, report.OK)
	for _, m := range all {
		m.meets(4)
		m.stored(from.sent)
	}
}
