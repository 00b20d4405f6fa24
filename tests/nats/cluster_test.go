package nats

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/inboxtest"
	"github.com/heliograph-net/heliograph/collector/natsinbox"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/freeport"
)

// cluster starts servers that share JetStream, each on an address of its own.
func cluster(t *testing.T, size int) (nodes []*node) {
	t.Helper()
	var listen, routes []string
	for n := range size {
		host := fmt.Sprintf("127.0.0.%d", n+11)
		listen = append(listen, fmt.Sprintf("%s:%d", host, freeport.On(t, host)))
		routes = append(routes, "nats://"+listen[n])
	}
	for n := range size {
		nodes = append(nodes, newNode(t, fmt.Sprintf("n%d", n), fmt.Sprintf("127.0.0.%d", n+11),
			fmt.Sprintf("jetstream: {store_dir: STORE}\ncluster: {name: test, listen: %q, routes: [%s]}\n", listen[n], strings.Join(routes, ", "))))
	}
	for _, n := range nodes {
		n.start(t)
	}
	return nodes
}

func urls(nodes []*node) (all []string) {
	for _, n := range nodes {
		all = append(all, n.url())
	}
	return all
}

// eventually calls f until it succeeds.
func eventually[T any](t testing.TB, what string, f func(context.Context) (T, error)) T {
	t.Helper()
	end := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		got, err := f(ctx)
		cancel()
		if err == nil {
			return got
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// entry is the n-th batch of a test.
func entry(n int) collector.Entry {
	segment := fmt.Appendf(nil, "segment %d", n)
	var id report.BatchID
	binary.BigEndian.PutUint32(id[:], 29_000_000)
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return collector.Entry{Body: sha256.Sum256(segment),
		Envelope: report.Envelope{Batch: id, Received: time.Now().UnixMilli(), Collector: "c1", Country: "DE", Segment: segment}}
}

// flow commits groups of batches, each until it is accepted, as agents send a batch until they have
// a receipt.
type flow struct {
	inbox  collector.Inbox
	group  int
	mu     sync.Mutex // guards accepted
	taken  int        // batches that were accepted
	failed int        // commits that were not
}

func (f *flow) run(t *testing.T, until <-chan struct{}) {
	for n := 0; ; n += f.group {
		var entries []collector.Entry
		for i := range f.group {
			entries = append(entries, entry(n+i))
		}
		for accepted := false; !accepted; {
			select {
			case <-until:
				return
			default:
			}
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			_, err := f.inbox.Commit(ctx, entries)
			cancel()
			accepted = err == nil
			f.mu.Lock()
			if accepted {
				f.taken = n + f.group
			} else {
				f.failed++
			}
			f.mu.Unlock()
			if !accepted {
				time.Sleep(50 * time.Millisecond)
			}
		}
	}
}

func (f *flow) counts() (taken, failed int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.taken, f.failed
}

// await waits until more batches were accepted.
func (f *flow) await(t *testing.T, more int) {
	t.Helper()
	before, _ := f.counts()
	eventually(t, "batches are accepted again", func(context.Context) (int, error) {
		if now, failed := f.counts(); now < before+more {
			return 0, fmt.Errorf("%d of %d more, %d commits failed", now-before, more, failed)
		}
		return 0, nil
	})
}

// wantOnce reads the whole inbox and checks that it has each accepted batch, and each of all once.
func wantOnce(t *testing.T, inbox collector.Backlog, accepted int) {
	t.Helper()
	seen := make(map[report.BatchID]int)
	for after := uint64(0); ; {
		part := eventually(t, "reading", func(ctx context.Context) ([]report.Envelope, error) { return inbox.Read(ctx, after, 500) })
		if len(part) == 0 {
			break
		}
		for _, e := range part {
			seen[e.Batch]++
			after = e.Seq
		}
	}
	lost, twice := 0, 0
	for n := range accepted {
		if seen[entry(n).Envelope.Batch] == 0 {
			lost++
		}
	}
	for _, count := range seen {
		if count > 1 {
			twice++
		}
	}
	if lost > 0 || twice > 0 {
		t.Errorf("of %d accepted batches %d are lost, and %d of %d are stored more than once", accepted, lost, twice, len(seen))
	}
}

// TestAnyNodeMayDie kills each server of a cluster in turn, among them the leader of the stream,
// while batches arrive.
func TestAnyNodeMayDie(t *testing.T) {
	t.Parallel()
	nodes := cluster(t, 3)
	open := place(t, inboxtest.Bounds{}, natsinbox.Options{Servers: urls(nodes)})
	inbox := eventually(t, "opening the inbox", func(context.Context) (collector.Inbox, error) { return open() })
	defer inbox.Close()
	stream := fmt.Sprintf("place-%d", places.Load())
	f := &flow{inbox: inbox, group: 20}
	until := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { f.run(t, until) })
	f.await(t, 200)
	for n := range nodes {
		victim := leaderOf(t, nodes, stream)
		if n == 0 { // one that is not the leader
			victim = nodes[(index(nodes, victim)+1)%len(nodes)]
		}
		t.Logf("killing %s with %d batches accepted", victim.name, first(f.counts()))
		victim.kill()
		f.await(t, 200)
		victim.start(t)
		f.await(t, 200)
		healthy(t, nodes, stream)
	}
	close(until)
	running.Wait()
	taken, failed := f.counts()
	t.Logf("%d batches accepted, %d commits failed", taken, failed)
	wantOnce(t, inbox, taken)
}

func first(n, _ int) int { return n }

func index(nodes []*node, of *node) int {
	for n := range nodes {
		if nodes[n] == of {
			return n
		}
	}
	return -1
}

// with calls f with JetStream of a cluster.
func with[T any](t *testing.T, nodes []*node, what string, f func(context.Context, jetstream.JetStream) (T, error)) T {
	t.Helper()
	return eventually(t, what, func(ctx context.Context) (none T, _ error) {
		for _, n := range nodes {
			if n.process == nil {
				continue
			}
			conn, err := nats.Connect(n.url())
			if err != nil {
				return none, err
			}
			defer conn.Close()
			js, err := jetstream.New(conn)
			if err != nil {
				return none, err
			}
			return f(ctx, js)
		}
		return none, fmt.Errorf("no server runs")
	})
}

// leaderOf returns the server that leads a stream.
func leaderOf(t *testing.T, nodes []*node, stream string) *node {
	t.Helper()
	return with(t, nodes, "the stream has a leader", func(ctx context.Context, js jetstream.JetStream) (*node, error) {
		s, err := js.Stream(ctx, stream)
		if err != nil {
			return nil, err
		}
		for _, n := range nodes {
			if c := s.CachedInfo().Cluster; c != nil && c.Leader == n.name {
				return n, nil
			}
		}
		return nil, fmt.Errorf("no leader")
	})
}

// healthy waits until all replicas of a stream are current.
func healthy(t *testing.T, nodes []*node, stream string) {
	t.Helper()
	with(t, nodes, "all replicas are current", func(ctx context.Context, js jetstream.JetStream) (int, error) {
		s, err := js.Stream(ctx, stream)
		if err != nil {
			return 0, err
		}
		c := s.CachedInfo().Cluster
		if c == nil || len(c.Replicas) != len(nodes)-1 {
			return 0, fmt.Errorf("replicas %+v", c)
		}
		for _, r := range c.Replicas {
			if !r.Current || r.Offline {
				return 0, fmt.Errorf("%s is not current", r.Name)
			}
		}
		return 0, nil
	})
}
