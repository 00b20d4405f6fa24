package hostile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Bounds that every attack must stay within.
const (
	flagWithin = 20 * time.Second // from the outage's first failure to the incident; five bins and grace, and what a busy machine needs
	mostMemory = 768 << 20        // bytes of the heap, all clients, collectors and the detector together
	mostDisk   = 512 << 20        // bytes of both inboxes, the store and their logs
	mostTotal  = 10               // times as many requests as honest clients told of, in what is shown
	calmTime   = 24 * time.Second
	clearTime  = 40 * time.Second
)

// Options say what Run does.
type Options struct {
	Only string // name of one attack; empty for all
	Dir  string // for the databases; empty for a temporary one
}

// Run runs the attacks one after the other, each against a rig of its own, and writes a table. The
// error names every promise that was broken.
func Run(ctx context.Context, o Options, w io.Writer) error {
	fmt.Fprintln(w, "| attack | sent in | flagged during it | flagged after it | heap at most | disk | shown of honest |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|")
	var broken error
	for _, a := range attacks {
		if o.Only != "" && o.Only != a.name {
			continue
		}
		dir, err := os.MkdirTemp(o.Dir, "hostile-"+a.name)
		if err != nil {
			return err
		}
		got, err := run(ctx, a, dir)
		_ = os.RemoveAll(dir)
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		fmt.Fprintf(w, "| %s: %s | %.1f s | %s | %s | %d MiB | %d MiB | ×%.2f |\n", a.name, a.what, got.sent.Seconds(), flagged(got.during), flagged(got.after),
			got.heap>>20, got.disk>>20, got.shown)
		broken = errors.Join(broken, got.faults(a.name))
	}
	return broken
}

// result is what came of one attack.
type result struct {
	sent          time.Duration
	during, after time.Duration // from the outage's start until it was flagged; 0: never
	heap          uint64
	disk          int64
	shown         float64 // requests to the shop in totals, over those that honest clients told of
}

func flagged(d time.Duration) string {
	if d == 0 {
		return "never"
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func (r *result) faults(name string) (err error) {
	bad := func(format string, args ...any) {
		err = errors.Join(err, fmt.Errorf(name+": "+format, args...))
	}
	for when, d := range map[string]time.Duration{"during": r.during, "after": r.after} {
		if d == 0 || d > flagWithin {
			bad("an outage that began %s it was flagged after %s, want %v at most", when, flagged(d), flagWithin)
		}
	}
	if r.heap > mostMemory {
		bad("%d MiB of heap, want %d at most", r.heap>>20, mostMemory>>20)
	}
	if r.disk > mostDisk {
		bad("%d MiB on disk, want %d at most", r.disk>>20, mostDisk>>20)
	}
	if r.shown > mostTotal || r.shown < .5 {
		bad("totals show %.2f times the honest requests", r.shown)
	}
	return err
}

// run lets an outage begin while an attack is sent, ends it, and lets another begin after it.
func run(ctx context.Context, a attack, dir string) (got result, err error) {
	r, err := newRig(ctx, filepath.Clean(dir))
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h, began := &honest{rig: r}, time.Now().Truncate(bin)
	go h.run(ctx)
	var heap atomic.Uint64
	go watchHeap(ctx, &heap)
	sleep(ctx, calmTime)

	start, ended := time.Now(), make(chan error, 1)
	go func() { ended <- a.send(ctx, r) }()
	sleep(ctx, bin)
	if got.during, err = outage(ctx, r, h); err != nil {
		return got, err
	}
	if err := <-ended; err != nil {
		return got, fmt.Errorf("sending it: %w", err)
	}
	got.sent = time.Since(start)
	cleared(ctx, r)
	if got.after, err = outage(ctx, r, h); err != nil {
		return got, err
	}
	got.heap, got.disk = heap.Load(), r.disk()
	totals, err := r.events.Totals(ctx, model.TotalsQuery{Since: began, Target: shop})
	if err == nil && len(totals) == 1 {
		got.shown = (totals[0].OK + totals[0].Failed) / float64(4*h.sent.Load())
	}
	return got, err
}

// outage breaks the shop until that is flagged, or for twice the time that it may take.
func outage(ctx context.Context, r *rig, h *honest) (time.Duration, error) {
	h.broken.Store(true)
	defer h.broken.Store(false)
	start := time.Now()
	for time.Since(start) < 2*flagWithin && ctx.Err() == nil {
		all, err := r.open(ctx, shop)
		if err != nil {
			return 0, err
		}
		for _, i := range all {
			if i.Outcome == report.TCPReset || slices.Contains(i.Also, report.TCPReset) {
				return time.Since(start), nil
			}
		}
		sleep(ctx, 200*time.Millisecond)
	}
	return 0, ctx.Err()
}

// cleared waits until no incident about the shop is open, no longer than clearTime.
func cleared(ctx context.Context, r *rig) {
	for start := time.Now(); time.Since(start) < clearTime && ctx.Err() == nil; {
		if all, err := r.open(ctx, shop); err == nil && len(all) == 0 {
			break
		}
		sleep(ctx, 500*time.Millisecond)
	}
	sleep(ctx, 4*bin)
}

// watchHeap keeps the most that the heap took.
func watchHeap(ctx context.Context, most *atomic.Uint64) {
	for ctx.Err() == nil {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most.Store(max(most.Load(), m.HeapInuse))
		sleep(ctx, 250*time.Millisecond)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
