package nats

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/natsinbox"
	"github.com/heliograph-net/heliograph/collector/sqliteledger"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/natsfeed"
	"github.com/heliograph-net/heliograph/internal/syncbuffer"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/freeport"
	"github.com/heliograph-net/heliograph/tests/source"
)

// TestRegionGoesOnWithoutItsHub: a collector at a leaf node takes batches while the hub is gone.
// The hub's stream has all of them, each once, after it came back, and the region deletes only what
// the hub has.
func TestRegionGoesOnWithoutItsHub(t *testing.T) {
	t.Parallel()
	hub, region := deployed(t)
	queue, err := natsinbox.Open(t.Context(), natsinbox.Options{Servers: []string{region.url()}, Stream: "c1", Replicas: 1, Monitor: region.monitorURL(),
		Hub: "hub-c1", HubDomain: "hub"})
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := sqliteledger.Open(filepath.Join(t.TempDir(), "ledger.db"), sqliteledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	inbox := collector.Join(queue, ledger)
	defer inbox.Close()
	if err := inbox.SetReaders(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	sourceFromRegion(t, hub, 64<<20)

	f := &flow{inbox: inbox, group: 20}
	until := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { f.run(t, until) })
	f.await(t, 100)
	hub.kill()
	f.await(t, 500)
	hub.start(t)
	f.await(t, 100)
	close(until)
	running.Wait()
	taken, failed := f.counts()
	t.Logf("%d batches accepted, %d commits failed", taken, failed)

	feed, err := natsfeed.New(natsfeed.Options{Collector: "c1", Servers: []string{hub.url()}, Stream: "hub-c1", Source: "c1", Domain: "hub", Wait: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer feed.CloseIdleConnections()
	eventually(t, "the hub has all batches", func(ctx context.Context) (int, error) {
		if got := len(readAll(ctx, t, feed)); got < taken {
			return 0, fmt.Errorf("it has %d of %d", got, taken)
		}
		return 0, nil
	})
	wantEach(t, readAll(t.Context(), t, feed), taken)
	eventually(t, "the region deletes what the hub has", func(ctx context.Context) (int, error) {
		if err := inbox.Maintain(ctx); err != nil {
			return 0, err
		}
		s, err := inbox.Stats(ctx)
		if err == nil && s.Pending > 0 {
			err = fmt.Errorf("%d are held", s.Pending)
		}
		return 0, err
	})
}

// TestFullHubLosesNothing: what a full hub does not take is held by the region, and arrives when
// the hub has room again.
func TestFullHubLosesNothing(t *testing.T) {
	t.Parallel()
	hub, region := deployed(t)
	queue, err := natsinbox.Open(t.Context(), natsinbox.Options{Servers: []string{region.url()}, Stream: "c1", Replicas: 1, Monitor: region.monitorURL(),
		Hub: "hub-c1", HubDomain: "hub"})
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	if err := queue.SetReaders(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	const batches = 1000
	sourceFromRegion(t, hub, 64<<10)
	for n := range batches / 100 {
		var all []collector.Entry
		for i := range 100 {
			all = append(all, entry(100*n+i))
		}
		if err := queue.Append(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	held := func(ctx context.Context) (uint64, error) {
		if err := queue.Maintain(ctx); err != nil {
			return 0, err
		}
		s, err := queue.Stats(ctx)
		return s.Pending, err
	}
	eventually(t, "the region deletes what the hub has taken", func(ctx context.Context) (uint64, error) {
		pending, err := held(ctx)
		if err == nil && pending == batches {
			err = errors.New("all are held")
		}
		return pending, err
	})
	if pending, err := held(t.Context()); err != nil || pending == 0 {
		t.Fatalf("%d batches are held while the hub is full, %v", pending, err)
	}
	sourceFromRegion(t, hub, 64<<20)
	feed, err := natsfeed.New(natsfeed.Options{Collector: "c1", Servers: []string{hub.url()}, Stream: "hub-c1", Source: "c1", Domain: "hub", Wait: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer feed.CloseIdleConnections()
	eventually(t, "the hub has all batches", func(ctx context.Context) (int, error) {
		if got := len(readAll(ctx, t, feed)); got < batches {
			return 0, fmt.Errorf("it has %d of %d", got, batches)
		}
		return 0, nil
	})
	wantEach(t, readAll(t.Context(), t, feed), batches)
}

// TestLagAtTheHubReachesTheRegion: the region's collector knows since when the detector at the hub
// has not taken a batch, although the region holds nothing any more, until the detector has.
func TestLagAtTheHubReachesTheRegion(t *testing.T) {
	t.Parallel()
	hub, region := deployed(t)
	queue, err := natsinbox.Open(t.Context(), natsinbox.Options{Servers: []string{region.url()}, Stream: "c1", Replicas: 1, Monitor: region.monitorURL(),
		Hub: "hub-c1", HubDomain: "hub", HubReaders: []string{"d1", "d2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	if err := queue.SetReaders(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	sourceFromRegion(t, hub, 64<<20)
	var all []collector.Entry
	for n := range 10 {
		e := entry(n)
		e.Envelope.Received = time.Now().Add(-time.Hour).Add(time.Duration(n) * time.Minute).UnixMilli()
		all = append(all, e)
	}
	if err := queue.Append(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	feed, err := natsfeed.New(natsfeed.Options{Collector: "c1", Servers: []string{hub.url()}, Stream: "hub-c1", Source: "c1", Domain: "hub", Reader: "d1", Wait: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer feed.CloseIdleConnections()
	got := eventually(t, "the hub has all batches", func(ctx context.Context) ([]report.Envelope, error) {
		got := readAll(ctx, t, feed)
		if len(got) < len(all) {
			return nil, fmt.Errorf("it has %d of %d", len(got), len(all))
		}
		return got, nil
	})
	unread := func(want time.Time) {
		t.Helper()
		eventually(t, fmt.Sprintf("the oldest unread batch is of %v", want), func(ctx context.Context) (int, error) {
			if err := queue.Maintain(ctx); err != nil {
				return 0, err
			}
			s, err := queue.Stats(ctx)
			if err == nil && (s.Pending > 0 || !s.Unread.Equal(want)) {
				err = fmt.Errorf("%d are held, and the oldest unread one is of %v", s.Pending, s.Unread)
			}
			return 0, err
		})
	}
	for _, n := range []int{2, 7} {
		if err := feed.Ack(t.Context(), got[n].Seq); err != nil {
			t.Fatal(err)
		}
		unread(time.UnixMilli(got[n+1].Received))
	}
	if err := feed.Ack(t.Context(), got[9].Seq); err != nil {
		t.Fatal(err)
	}
	unread(time.Time{})
}

// TestMissingBatchesAreTold: what was deleted from a stream before a detector has read it is told
// in the log, once.
func TestMissingBatchesAreTold(t *testing.T) {
	t.Parallel()
	n := alone(t, "always")
	queue, err := natsinbox.Open(t.Context(), natsinbox.Options{Servers: []string{n.url()}, Stream: "c1", Replicas: 1, Monitor: n.monitorURL(), Readers: []string{"d"}})
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	var all []collector.Entry
	for i := range 10 {
		all = append(all, entry(i))
	}
	if err := queue.Append(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	var log syncbuffer.Buffer
	feed, err := natsfeed.New(natsfeed.Options{Collector: "c1", Servers: []string{n.url()}, Source: "c1", Reader: "d", Wait: time.Second,
		Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer feed.CloseIdleConnections()
	got := readAll(t.Context(), t, feed)
	if len(got) != len(all) || log.String() != "" {
		t.Fatalf("%d batches, and %q", len(got), log.String())
	}
	conn := n.connect(t, "")
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "c1")
	if err == nil {
		err = stream.Purge(t.Context(), jetstream.WithPurgeSequence(got[6].Seq))
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if part, err := feed.Read(t.Context(), got[2].Seq, 10); err != nil || len(part) != 4 {
			t.Fatalf("%d batches, %v", len(part), err)
		}
	}
	if n := strings.Count(log.String(), "batches are missing"); n != 1 {
		t.Errorf("it was told %d times:\n%s", n, log.String())
	}
}

// TestRegionHoldsWhatAHubWouldLose: a hub's stream in memory, or one that discards old batches,
// does not make the region delete them.
func TestRegionHoldsWhatAHubWouldLose(t *testing.T) {
	t.Parallel()
	hub, region := deployed(t)
	queue, err := natsinbox.Open(t.Context(), natsinbox.Options{Servers: []string{region.url()}, Stream: "c1", Replicas: 1, Monitor: region.monitorURL(),
		Hub: "hub-c1", HubDomain: "hub"})
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	if err := queue.SetReaders(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	conn := hub.connect(t, "")
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "hub-c1", Storage: jetstream.FileStorage, AllowDirect: true, Discard: jetstream.DiscardOld,
		Sources: []*jetstream.StreamSource{{Name: "c1", External: &jetstream.ExternalStream{APIPrefix: "$JS.eu.API"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := queue.Append(t.Context(), []collector.Entry{entry(1)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the hub has the batch", func(ctx context.Context) (int, error) {
		info, err := stream.Info(ctx)
		if err == nil && info.State.Msgs == 0 {
			err = errors.New("it has none")
		}
		return 0, err
	})
	if err := queue.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, err := queue.Stats(t.Context()); err != nil || s.Pending != 1 {
		t.Errorf("%d batches are held, %v", s.Pending, err)
	}
}

// sourceFromRegion makes the hub's stream, as docs/scale.md says, or changes its maximum size.
func sourceFromRegion(t *testing.T, hub *node, maxBytes int64) {
	t.Helper()
	eventually(t, "making the hub's stream", func(ctx context.Context) (int, error) {
		conn, err := nats.Connect(hub.url())
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		js, err := jetstream.New(conn)
		if err != nil {
			return 0, err
		}
		text, err := os.ReadFile(source.Path("deploy/nats/hub-stream.json"))
		if err != nil {
			return 0, err
		}
		var config jetstream.StreamConfig
		if err := json.Unmarshal(text, &config); err != nil {
			return 0, err
		}
		config.MaxBytes = maxBytes // a test's disk has less room
		_, err = js.CreateOrUpdateStream(ctx, config)
		return 0, err
	})
}

// deployed starts the hub and the region of deploy/nats, on addresses and files of the test.
func deployed(t *testing.T) (hub, region *node) {
	t.Helper()
	leafnodes := fmt.Sprintf("127.0.0.1:%d", freeport.On(t, "127.0.0.1"))
	start := func(file, name string) *node {
		text, err := os.ReadFile(source.Path("deploy/nats/" + file))
		if err != nil {
			t.Fatal(err)
		}
		n := newNode(t, name, "127.0.0.1", "")
		text = deployedLines.ReplaceAll(text, nil)
		text = bytes.ReplaceAll(text, []byte("/var/lib/nats/"+name), []byte(filepath.Join(filepath.Dir(n.config), "js")))
		text = bytes.ReplaceAll(text, []byte("127.0.0.1:7422"), []byte(leafnodes))
		head, err := os.ReadFile(n.config)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(n.config, append(head, text...), 0o600); err != nil {
			t.Fatal(err)
		}
		n.start(t)
		return n
	}
	return start("hub.conf", "hub"), start("region.conf", "eu")
}

// deployedLines are the lines of a configuration that a test has its own of, and the room that its
// disk may not have.
var deployedLines = regexp.MustCompile(`(?m)^(server_name|listen|http):.*$|^ *max_file_store:.*$`)

// readAll reads a feed from its beginning until it is empty.
func readAll(ctx context.Context, t *testing.T, feed detector.Feed) (all []report.Envelope) {
	t.Helper()
	for after := uint64(0); ; {
		part, err := feed.Read(ctx, after, 500)
		if err != nil {
			t.Logf("reading the feed: %v", err)
			return all
		}
		if len(part) == 0 {
			return all
		}
		all, after = append(all, part...), part[len(part)-1].Seq
	}
}

// wantEach checks that a feed has each accepted batch once.
func wantEach(t *testing.T, all []report.Envelope, accepted int) {
	t.Helper()
	seen := make(map[report.BatchID]int)
	for _, e := range all {
		seen[e.Batch]++
	}
	for n := range accepted {
		if count := seen[entry(n).Envelope.Batch]; count != 1 {
			t.Fatalf("batch %d is there %d times", n, count)
		}
	}
}

// TestDetectorReadsTheStream: a detector that reads the collector's own stream acknowledges beside
// it, and the collector deletes what the detector has.
func TestDetectorReadsTheStream(t *testing.T) {
	t.Parallel()
	s := alone(t, "always")
	queue, err := natsinbox.Open(t.Context(), natsinbox.Options{Servers: []string{s.url()}, Stream: "c1", Replicas: 1, Monitor: s.monitorURL(), Readers: []string{"d1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	if err := queue.SetReaders(t.Context(), []string{"by-http"}); err != nil {
		t.Fatal(err)
	}
	feed, err := natsfeed.New(natsfeed.Options{Collector: "c1", Servers: []string{s.url()}, Source: "c1", Reader: "d1", Wait: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer feed.CloseIdleConnections()
	if all, err := feed.Read(t.Context(), 0, 10); len(all) != 0 || err != nil {
		t.Fatalf("an empty stream is read as %d batches, %v", len(all), err)
	}
	if _, err := feed.Read(t.Context(), 1<<60, 10); !errors.Is(err, detector.ErrCursor) {
		t.Errorf("a cursor of another stream: %v", err)
	}
	var writing sync.WaitGroup
	writing.Go(func() { // while the feed waits
		if err := queue.Append(t.Context(), []collector.Entry{entry(0), entry(1), entry(2)}); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "a batch is read", func(ctx context.Context) (int, error) {
		all, err := feed.Read(ctx, 0, 10)
		if err == nil && len(all) == 0 {
			err = errors.New("none is")
		}
		return 0, err
	})
	writing.Wait()
	if some, err := feed.Read(t.Context(), 0, 1); len(some) != 1 || err != nil || feed.Left() != 2 {
		t.Errorf("of three batches one is read as %d, and %d are left, %v", len(some), feed.Left(), err)
	}
	all := readAll(t.Context(), t, feed)
	wantEach(t, all, 3)
	held := func(when string, want uint64) {
		t.Helper()
		if err := queue.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s, err := queue.Stats(t.Context()); err != nil || s.Pending != want {
			t.Errorf("%s %d batches are held, %v, want %d", when, s.Pending, err, want)
		}
	}
	if err := queue.Ack(t.Context(), "by-http", all[2].Seq); err != nil {
		t.Fatal(err)
	}
	held("before the feed acknowledges", 3)
	if err := feed.Ack(t.Context(), all[1].Seq); err != nil {
		t.Fatal(err)
	}
	held("after it has acknowledged two of three", 1)
}
