package nats

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector/natsinbox"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/natsfeed"
	"github.com/heliograph-net/heliograph/detector/natsgroup"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// BenchmarkGroup has groups of detectors read, open and store a backlog of a stream. It reports
// what a batch costs each member in CPU, which is what bounds a member with processors of its own,
// and how fast the members together are on the processors that there are.
func BenchmarkGroup(b *testing.B) {
	const batches = 10_000
	n := alone(b, "2m")
	key, err := seal.GenerateOpenKey()
	if err != nil {
		b.Fatal(err)
	}
	from := newOutlet(b, n, key.SealKey(), natsinbox.Options{Readers: []string{"nobody"}, AssumeDurable: true})
	for range batches / 500 {
		from.send(500, report.OK)
	}
	for _, members := range []int{1, 2, 4} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			for b.Loop() {
				start, cpu := time.Now(), processCPU(b)
				var running sync.WaitGroup
				for m := range members {
					running.Go(func() { readBacklog(b, n, seal.NewKeyring(key), fmt.Sprintf("m%d", m), members, batches) })
				}
				running.Wait()
				b.ReportMetric(float64((processCPU(b)-cpu).Microseconds())/float64(batches*members), "cpu-us/batch/member")
				b.ReportMetric(batches/time.Since(start).Seconds(), "batches/s")
			}
		})
	}
}

// readBacklog is a member of a group. It returns when it has stored all batches.
func readBacklog(b *testing.B, n *node, keys *seal.Keyring, member string, members, batches int) {
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	events, state, err := sqlitestore.Open(ctx, filepath.Join(b.TempDir(), "store.db"))
	if err != nil {
		b.Error(err)
		return
	}
	defer events.Close()
	defer state.Close()
	read, err := natsfeed.New(natsfeed.Options{Collector: "c1", Servers: []string{n.url()}, Source: "c1", Reader: member})
	if err != nil {
		b.Error(err)
		return
	}
	o := detector.Options{Events: events, State: state, Keys: keys}
	var running sync.WaitGroup
	if members > 1 {
		group, err := natsgroup.New(natsgroup.Options{ID: fmt.Sprintf("bench-%d", members), Member: member, Servers: []string{n.url()}})
		if err != nil {
			b.Error(err)
			return
		}
		o.Opener = group
		running.Go(func() { _ = group.Run(ctx) })
	}
	feed := &counted{Feed: read, left: batches, done: make(chan struct{})}
	o.Feeds = map[string]detector.Feed{"c1": feed}
	d, err := detector.New(o)
	if err != nil {
		b.Error(err)
		return
	}
	running.Go(func() { _ = d.Run(ctx) })
	select {
	case <-feed.done:
	case <-ctx.Done():
	}
	stop()
	running.Wait()
	stored, err := events.Batches(b.Context(), time.Time{})
	if held, heldErr := state.QuarantineCounts(b.Context()); err != nil || heldErr != nil || stored != uint64(batches) || len(held) > 0 {
		b.Errorf("%s has stored %d batches of %d, and %+v are in quarantine, %v, %v", member, stored, batches, held, err, heldErr)
	}
}

// counted is a feed that tells when all is stored.
type counted struct {
	*natsfeed.Feed
	left int    // batches that were not read yet
	last uint64 // number of the last batch that was read
	done chan struct{}
}

func (f *counted) Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error) {
	all, err := f.Feed.Read(ctx, after, limit)
	if f.left -= len(all); len(all) > 0 {
		f.last = all[len(all)-1].Seq
	}
	return all, err
}

func (f *counted) Ack(_ context.Context, upTo uint64) error {
	if f.left == 0 && upTo == f.last {
		close(f.done)
	}
	return nil
}

// processCPU is what this process has used so far.
func processCPU(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
