// Package hostile runs attacks of strangers beside honest traffic: two real collectors with SQLite
// inboxes and TCP sockets, and a detector that reads their feeds into an SQLite store.
package hostile

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/internal/nettable"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

const (
	bin   = 2 * time.Second
	grace = 2 * time.Second
)

// rig is everything that is attacked.
type rig struct {
	dir        string
	key        *seal.OpenKey
	collectors [2]*host
	events     detector.Events
	state      detector.State
	client     *http.Client
	closers    []func() error
}

// host is one collector.
type host struct {
	id     string
	server *httptest.Server
}

// networkTable puts 10.n.0.0/16 into AS64500+n: honest clients are in the first 60, strangers in
// those from 200 on.
func networkTable() (*nettable.Table, error) {
	var b strings.Builder
	for n := range 256 {
		fmt.Fprintf(&b, "10.%d.0.0\t10.%d.255.255\t%d\tXA\tnet %d\n", n, n, 64500+n, n)
	}
	return nettable.Load(strings.NewReader(b.String()))
}

// newRig starts everything in a directory.
func newRig(ctx context.Context, dir string) (r *rig, err error) {
	r = &rig{dir: dir, client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.key, err = seal.GenerateOpenKey(); err != nil {
		return r, err
	}
	feedKey := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	feeds := map[string]detector.Feed{}
	for i := range r.collectors {
		id := fmt.Sprintf("c%d", i+1)
		if r.collectors[i], err = r.startCollector(id, feedKey.Public().(ed25519.PublicKey)); err != nil {
			return r, err
		}
		if feeds[id], err = detector.NewRemoteFeed(detector.FeedOptions{URL: r.collectors[i].server.URL, Collector: id, Key: feedKey, Wait: 5 * time.Second}); err != nil {
			return r, err
		}
	}
	return r, r.startDetector(ctx, feeds)
}

func (r *rig) startCollector(id string, feedKey ed25519.PublicKey) (*host, error) {
	inbox, err := sqliteinbox.Open(filepath.Join(r.dir, id+".db"), sqliteinbox.Options{})
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, inbox.Close)
	table, err := networkTable()
	if err != nil {
		return nil, err
	}
	c, err := collector.New(collector.Options{ID: id, Inbox: inbox, Settings: collector.Settings{
		ReceiptKey: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)), Networks: table, FeedKeys: []ed25519.PublicKey{feedKey},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}})
	if err != nil {
		return nil, err
	}
	h := &host{id: id, server: httptest.NewServer(c.Handler())}
	r.run(c.Run)
	r.closers = append(r.closers, func() error { h.server.CloseClientConnections(); h.server.Close(); return nil })
	return h, nil
}

// run runs something until the rig is closed.
func (r *rig) run(f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	r.closers = append(r.closers, func() error { cancel(); return <-ended })
}

func (r *rig) startDetector(_ context.Context, feeds map[string]detector.Feed) (err error) {
	events, state, err := sqlitestore.Open(context.Background(), filepath.Join(r.dir, "store.db"))
	if err != nil {
		return err
	}
	r.closers = append(r.closers, events.Close, state.Close)
	r.events, r.state = events, state
	if err := remember(events); err != nil {
		return err
	}
	d, err := detector.New(detector.Options{Feeds: feeds, Events: events, State: state, Keys: seal.NewKeyring(r.key), Bin: bin, Grace: grace})
	if err != nil {
		return err
	}
	r.run(d.Run)
	return nil
}

// close ends everything, the last started first.
func (r *rig) close() (err error) {
	for i := len(r.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, r.closers[i]())
	}
	return err
}

// upload sends a segment as a client at an address would, through a proxy.
func (r *rig) upload(ctx context.Context, h *host, from string, segment []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.server.URL+protocol.PathBatches, bytes.NewReader(segment))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", protocol.MediaTypeSegment)
	req.Header.Set("X-Forwarded-For", from)
	answer, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// disk is how many bytes the files take.
func (r *rig) disk() (n int64) {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			n += info.Size()
		}
	}
	return n
}

// open are the incidents about a target that are open.
func (r *rig) open(ctx context.Context, target string) (all []model.Incident, err error) {
	incidents, err := r.state.Incidents(ctx, time.Now().Add(-time.Hour))
	for _, i := range incidents {
		if i.Open() && i.Target == target {
			all = append(all, i)
		}
	}
	return all, err
}

// each calls f for every number below n, from so many goroutines.
func each(n, workers int, f func(i int) error) error {
	var wg sync.WaitGroup
	next := make(chan int)
	faults := make([]error, workers)
	for w := range workers {
		wg.Go(func() {
			for i := range next {
				if faults[w] == nil {
					faults[w] = f(i)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return errors.Join(faults...)
}
