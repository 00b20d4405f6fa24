package main

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/cmd/heliograph/fleet"
	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/heatmap"
)

// millionJS notes in the page when its map is drawn.
//
//go:embed web/million.js
var millionJS string

// What is asked of the map of a million servers, on two cores.
const (
	wantedMap    = 1500 * time.Millisecond // until it is whole
	wantedUpdate = 250 * time.Millisecond  // from a change to the frame that shows it
	wantedTask   = 16 * time.Millisecond   // of the main thread for each update
)

// measureMap measures the dashboard with a million servers, of which one in a hundred is down.
func measureMap(ctx context.Context, dir string, loads, updates int) error {
	m, url, stop, err := serveMillion(ctx, dir)
	if err != nil {
		return err
	}
	defer stop()
	b, err := startBrowser(ctx, filepath.Join(dir, "million"))
	if err != nil {
		return err
	}
	defer b.stop()
	var paints, maps, tasks []time.Duration
	var bytes float64
	for i := range loads + 1 {
		l, err := b.loadMap(url)
		if err != nil {
			return fmt.Errorf("loading the map: %w", err)
		}
		if i > 0 { // the first load warms up the browser
			paints, maps, tasks, bytes = append(paints, millis(l.Paint)), append(maps, millis(l.Map)), append(tasks, l.tasks), l.Bytes
		}
	}
	fmt.Printf("A million servers in Chromium, medians of %d loads and %d updates:\n\n| | measured | asked |\n|---|---:|---:|\n", loads, updates)
	fmt.Printf("| first paint | %v | |\n| whole map | %v | %v |\n", middle(paints), middle(maps), wantedMap)
	fmt.Printf("| main thread until then, CPU | %v | |\n| first load | %.0f KB | |\n", middle(tasks), bytes/1000)
	return b.updateMap(url, m, updates)
}

func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

func middle(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2].Round(100 * time.Microsecond)
}

// serveMillion serves a dashboard whose map stop ends.
func serveMillion(ctx context.Context, dir string) (m *heatmap.Map, url string, stop func(), err error) {
	demo, err := fleet.Demo(heatmap.MaxServers, 0.01)
	if err != nil {
		return nil, "", nil, err
	}
	m = heatmap.NewMap(demo.Topology)
	for i := range demo.Topology.Len() {
		m.Set(i, demo.State(i), time.Now())
	}
	events, state, err := sqlitestore.Open(ctx, filepath.Join(dir, "store.db"))
	if err != nil {
		return nil, "", nil, err
	}
	d, err := dashboards.New(dashboards.Options{Reader: detector.Reader(events, state), Servers: m})
	if err != nil {
		return nil, "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = d.Run(ctx) }() // it ends without an error
	server := httptest.NewServer(http.HandlerFunc(d.ServeHTTP))
	return m, server.URL, func() {
		cancel()
		<-ended
		server.Close()
		_, _ = events.Close(), state.Close()
	}, nil
}

// mapLoad is what loading the map took, in ms since the navigation, and bytes on the wire.
type mapLoad struct {
	Paint float64 `json:"paint"`
	Map   float64 `json:"map"`
	Bytes float64 `json:"bytes"`
	tasks time.Duration
}

// mapTab opens the dashboard in a new tab and waits until its map is whole.
func (b *browser) mapTab(url string) (ctx context.Context, closeTab func(), l mapLoad, err error) {
	ctx, cancel := chromedp.NewContext(b.ctx)
	closeTab = func() { _ = chromedp.Cancel(ctx); cancel() }
	defer func() {
		if err != nil {
			closeTab()
		}
	}()
	if _, err = chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: millionJS}); err != nil {
		return nil, nil, l, err
	}
	if _, err = chromedp.Call(ctx, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks}); err != nil {
		return nil, nil, l, err
	}
	if err = chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(url)); err != nil {
		return nil, nil, l, err
	}
	l, err = chromedp.Run(ctx, chromedp.Evaluate[mapLoad](`whole()`, chromedp.EvalAwaitPromise))
	return ctx, closeTab, l, err
}

func (b *browser) loadMap(url string) (mapLoad, error) {
	ctx, closeTab, l, err := b.mapTab(url)
	if err != nil {
		return l, err
	}
	defer closeTab()
	all, err := spent(ctx)
	l.tasks = all.tasks
	return l, err
}

// between is the pause between two updates, longer than the dashboard's second.
const between = 1500 * time.Millisecond

// updateMap changes servers one after another, and times until the page has drawn each.
func (b *browser) updateMap(url string, m *heatmap.Map, n int) error {
	ctx, closeTab, _, err := b.mapTab(url)
	if err != nil {
		return err
	}
	defer closeTab()
	if err := chromedp.Do(ctx, chromedp.Sleep(2*between)); err != nil {
		return err
	}
	quiet, err := b.cost(ctx, n, func(int) error { // asking the page costs something, too
		_, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`Promise.resolve(0)`, chromedp.EvalAwaitPromise))
		return err
	})
	if err != nil {
		return err
	}
	received, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`received()`))
	if err != nil {
		return err
	}
	var took []time.Duration
	busy, err := b.cost(ctx, n, func(i int) error {
		at := change(m, i)
		drawn, err := chromedp.Run(ctx, chromedp.Evaluate[float64](fmt.Sprintf(`drawnAfter(%d)`, at.UnixMilli()), chromedp.EvalAwaitPromise))
		took = append(took, millis(drawn-float64(at.UnixMicro())/1000))
		return err
	})
	if err != nil {
		return err
	}
	after, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`received()`))
	if err != nil {
		return err
	}
	slices.Sort(took)
	fmt.Printf("| from a server's change to the frame that shows it | %v, at most %v | %v |\n", middle(took), took[len(took)-1].Round(time.Millisecond), wantedUpdate)
	fmt.Printf("| main thread for each update, CPU | %v | %v |\n", ((busy - quiet) / time.Duration(n)).Round(100*time.Microsecond), wantedTask)
	fmt.Printf("| each update | %.1f KB | |\n", (after-received)/float64(n)/1000)
	frames, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](`pointing()`, chromedp.EvalAwaitPromise))
	if err != nil {
		return err
	}
	fmt.Printf("| frames a second while pointing at servers, longest gap | %.0f, %.0f ms | |\n", frames[0], frames[1])
	return b.dragMap(ctx)
}

// change changes the state of a server, twice of the same, and returns when.
func change(m *heatmap.Map, i int) time.Time {
	at := time.Now()
	server, state := (i/2+1)*7919, heatmap.Down
	if s, _ := m.State(server); s == heatmap.Down {
		state = heatmap.Up
	}
	m.Set(server, state, at)
	return at
}

// dragMap drags the map with enlarged cells, some 300,000 of which are seen, to and fro.
func (b *browser) dragMap(ctx context.Context) error {
	at, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](`enlarge()`, chromedp.EvalAwaitPromise))
	if err != nil {
		return err
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](`countFrames()`)); err != nil {
		return err
	}
	x, y := at[0], at[1]
	for range 3 {
		if err := chromedp.Do(ctx, chromedp.DragAndDropXY(x, y, x-200, y-150, 50), chromedp.DragAndDropXY(x-200, y-150, x, y, 50)); err != nil {
			return err
		}
	}
	frames, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](`counted()`))
	if err != nil {
		return err
	}
	fmt.Printf("| frames a second while dragging the map, longest gap | %.0f, %.0f ms | |\n", frames[0], frames[1])
	return nil
}

// cost is the CPU time of the main thread while do is done n times with pauses.
func (b *browser) cost(ctx context.Context, n int, do func(i int) error) (time.Duration, error) {
	before, err := spent(ctx)
	if err != nil {
		return 0, err
	}
	for i := range n {
		if err := do(i); err != nil {
			return 0, err
		}
		if err := chromedp.Do(ctx, chromedp.Sleep(between)); err != nil {
			return 0, err
		}
	}
	after, err := spent(ctx)
	return after.tasks - before.tasks, err
}
