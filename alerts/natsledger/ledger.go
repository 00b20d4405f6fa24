package natsledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/internal/natsjs"
)

const (
	syncEvery   = time.Second
	callTimeout = 3 * time.Second // of one page
	attempts    = 5               // to change a page that others change, too
	atOnce      = 32              // pages that are brought up to date at once
	// expiry is how long a page stays that nobody renews.
	expiry = 24 * time.Hour
	// valid is how long an answer of the ledger holds. An owner that has read its entry has renewed
	// it at most beatEvery and a turn of Run before, and nobody takes it over for the time silent
	// after that. So an owner that was cut off, or stood still, stops telling before another
	// begins.
	valid = silent - beatEvery - 2*syncEvery
)

// Ledger is an [alerts.Ledger]. Its methods are safe for concurrent use.
type Ledger struct {
	o       Options
	log     *slog.Logger
	metrics *metrics
	wake    chan struct{} // has room for one

	mu        sync.Mutex // guards the following
	faults    map[string]alerts.Fault
	standings map[string]standing

	// The following belongs to the goroutine of Run. A view is used by one goroutine at a time.

	views   map[string]*view // by the bucket's key
	bucket  jetstream.KeyValue
	failing bool
}

var _ alerts.Ledger = (*Ledger)(nil)

// standing is an answer of the ledger.
type standing struct {
	alerts.Standing
	asked time.Time
}

// holds reports whether an answer is young enough. The monotonic clock stands still while a host is
// suspended, so the other one counts, too.
func (s *standing) holds(now time.Time) bool {
	return now.Sub(s.asked) < valid && now.Round(0).Sub(s.asked.Round(0)) < valid
}

// New returns a Ledger. It does not connect: before [Ledger.Run], it answers nothing.
func New(o Options) (*Ledger, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	if o.Bucket == "" {
		o.Bucket = defaultBucket
	}
	if o.Replicas == 0 {
		o.Replicas = defaultReplicas
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(o.Metrics)
	if err != nil {
		return nil, fmt.Errorf("ledger: registering metrics: %w", err)
	}
	return &Ledger{o: o, log: o.Logger.With("bucket", o.Bucket, "member", o.Member), metrics: m, wake: make(chan struct{}, 1),
		standings: map[string]standing{}, views: map[string]*view{}}, nil
}

// Agree implements [alerts.Ledger].
func (l *Ledger) Agree(faults []alerts.Fault) map[string]alerts.Standing {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := make(map[string]alerts.Fault, len(faults))
	news := false
	for _, f := range faults {
		next[f.Key] = f
		old, known := l.faults[f.Key]
		news = news || !known || len(old.Told) != len(f.Told) || !old.Until.Equal(f.Until)
	}
	l.faults = next
	if news {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
	answer := map[string]alerts.Standing{}
	now := time.Now()
	for key := range next {
		if s, decided := l.standings[key]; decided && s.holds(now) {
			answer[key] = s.Standing
		}
	}
	return answer
}

// Run keeps the ledger until ctx ends, and returns nil.
func (l *Ledger) Run(ctx context.Context) error {
	var conn *nats.Conn
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-l.wake:
		case <-ctx.Done():
			return nil
		}
		err := l.connect(ctx, &conn)
		if err == nil {
			if err = l.sync(ctx); err != nil {
				l.bucket = nil // it may have been deleted, and is looked for again
			}
		}
		l.trouble(ctx, err)
	}
}

// trouble logs when the ledger cannot be reached, and when it can again.
func (l *Ledger) trouble(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	switch {
	case err != nil:
		l.metrics.troubles.Inc()
		if !l.failing {
			l.log.Warn("the ledger of faults cannot be reached; until then this detector tells of every fault itself", "error", err)
		}
	case l.failing:
		l.log.Info("the ledger of faults is reached again")
	}
	l.failing = err != nil
	if l.failing {
		l.metrics.reached.Set(0)
	} else {
		l.metrics.reached.Set(1)
	}
}

// connect connects, and opens the bucket or makes it.
func (l *Ledger) connect(ctx context.Context, conn **nats.Conn) error {
	connection := l.o.connection()
	if *conn == nil {
		c, _, err := connection.Connect("heliograph ledger of "+l.o.Member, l.log)
		if err != nil {
			return err
		}
		*conn = c
	}
	if l.bucket != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	js, err := natsjs.InDomain(*conn, l.o.Domain)
	if err != nil {
		return err
	}
	bucket, err := js.KeyValue(ctx, l.o.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		bucket, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: l.o.Bucket, Description: "who tells of a fault", Replicas: l.o.Replicas, TTL: expiry,
			MaxValueSize: maxPage})
	}
	if err != nil {
		return fmt.Errorf("opening bucket %s: %w", l.o.Bucket, err)
	}
	l.bucket = bucket
	return nil
}

// pageKey returns the bucket's key of a target. Names of targets may have what a key may not.
func pageKey(app, target string) string {
	sum := sha256.Sum256([]byte(app + "\x00" + target))
	return hex.EncodeToString(sum[:16])
}

// sync brings the pages of all faults up to date.
func (l *Ledger) sync(ctx context.Context) error {
	l.mu.Lock()
	pages := map[string][]alerts.Fault{}
	for _, f := range l.faults {
		key := pageKey(f.App, f.Target)
		pages[key] = append(pages[key], f)
	}
	maps.DeleteFunc(l.standings, func(key string, _ standing) bool { _, there := l.faults[key]; return !there })
	l.mu.Unlock()
	maps.DeleteFunc(l.views, func(key string, _ *view) bool { return pages[key] == nil })
	for key := range pages {
		if l.views[key] == nil {
			l.views[key] = newView(l.o.Member)
		}
	}
	var count struct {
		sync.Mutex
		own, other int
		errs       []error
	}
	eachPage(pages, func(key string, faults []alerts.Fault) {
		asked := time.Now()
		standings, err := l.syncPage(ctx, key, l.views[key], faults)
		if err == nil {
			l.settled(standings, asked)
		}
		count.Lock()
		defer count.Unlock()
		count.errs = append(count.errs, err)
		for _, s := range standings {
			if s.Own {
				count.own++
			} else {
				count.other++
			}
		}
	})
	l.metrics.faults.WithLabelValues("own").Set(float64(count.own))
	l.metrics.faults.WithLabelValues("other").Set(float64(count.other))
	return errors.Join(count.errs...)
}

// settled notes what the ledger has answered.
func (l *Ledger) settled(standings map[string]alerts.Standing, asked time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for of, s := range standings {
		l.standings[of] = standing{s, asked}
	}
}

// eachPage calls f for each page, for some of them at once: a link's delay counts once for these,
// and answers hold for some seconds only.
func eachPage(pages map[string][]alerts.Fault, f func(key string, faults []alerts.Fault)) {
	var working sync.WaitGroup
	turn := make(chan struct{}, atOnce)
	for key, faults := range pages {
		turn <- struct{}{}
		working.Go(func() {
			defer func() { <-turn }()
			f(key, faults)
		})
	}
	working.Wait()
}

// syncPage reads a page, settles it, and stores it if it has changed and nobody else has changed it
// meanwhile.
func (l *Ledger) syncPage(ctx context.Context, key string, v *view, faults []alerts.Fault) (map[string]alerts.Standing, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for range attempts {
		p, revision, err := l.read(ctx, key)
		if err != nil {
			return nil, err
		}
		trial := v.clone()
		standings, changed, o := trial.settle(p, faults, time.Now())
		if changed {
			err := l.write(ctx, key, p, revision)
			if errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
				continue
			}
			if err != nil {
				return nil, err
			}
			trial.beaten = time.Now()
		}
		*v = *trial
		l.metrics.count(o)
		return standings, nil
	}
	return nil, errors.New("a page of the ledger changes too often")
}

func (l *Ledger) read(ctx context.Context, key string) (*page, uint64, error) {
	entry, err := l.bucket.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		p, err := decodePage(nil)
		return p, 0, err
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading bucket %s: %w", l.o.Bucket, err)
	}
	p, err := decodePage(entry.Value())
	return p, entry.Revision(), err
}

func (l *Ledger) write(ctx context.Context, key string, p *page, revision uint64) error {
	text, err := p.text()
	if err != nil {
		return err
	}
	if revision == 0 {
		_, err = l.bucket.Create(ctx, key, text)
	} else {
		_, err = l.bucket.Update(ctx, key, text, revision)
	}
	if err != nil {
		return fmt.Errorf("writing to bucket %s: %w", l.o.Bucket, err)
	}
	return nil
}
