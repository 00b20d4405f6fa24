// Command browser measures in headless Chromium what the browser agent costs a page, and beside it
// what @sentry/browser costs the same page: the main thread's CPU time while the page loads and
// while 1,000 requests fail, the longest stretch in which the page could do nothing else, and the
// time from a first failure to the report in the collector's hands.
//
//	cd tests/bench && go run ./browser
//
// With -only map it measures the dashboard's page with a million servers instead, and with -only
// trace it says what that page's main thread does when a server changes.
//
// It needs chromium and, for the peer, npm. Run `make build` first: it builds the WebAssembly
// module. Figures of a busy machine are worth nothing.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	loads := flag.Int("loads", 21, "page loads per variant")
	bursts := flag.Int("bursts", 7, "bursts of 1,000 failures per variant")
	firsts := flag.Int("firsts", 7, "first failures, each in a fresh profile")
	only := flag.String("only", "agent", "what to measure: agent, or map: the dashboard with a million servers; trace: what its main thread does")
	updates := flag.Int("updates", 20, "changes of a server, with -only map or trace")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	measure := func(dir string) error { return run(ctx, dir, *loads, *bursts, *firsts) }
	switch *only {
	case "map":
		measure = func(dir string) error { return measureMap(ctx, dir, *loads, *updates) }
	case "trace":
		measure = func(dir string) error { return traceMap(ctx, dir, *updates) }
	}
	if err := inTempDir(measure); err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
}

// variants are the pages: without an agent, with Heliograph's, with its peer.
var variants = []string{"none", "heliograph", "sentry"}

func inTempDir(measure func(dir string) error) error {
	dir, err := os.MkdirTemp("", "heliograph-bench-browser-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return measure(dir)
}

func run(ctx context.Context, dir string, loads, bursts, firsts int) error {
	peer, err := buildPeer(ctx)
	if err != nil {
		return err
	}
	st, err := startStage(ctx, dir, peer)
	if err != nil {
		return err
	}
	defer st.close()
	fmt.Printf("Script on the wire before anything fails, gzip: Heliograph's shim %d bytes, @sentry/browser %d bytes.\n\n", st.sizes["heliograph"], st.sizes["sentry"])
	if err := measureLoads(ctx, st, loads); err != nil {
		return fmt.Errorf("page loads: %w", err)
	}
	if err := measureBursts(ctx, st, bursts); err != nil {
		return fmt.Errorf("bursts: %w", err)
	}
	if err := measureFirsts(ctx, st, firsts); err != nil {
		return fmt.Errorf("first failures: %w", err)
	}
	return nil
}

// measureLoads compares the main thread's time of a page load. Variants take turns, so that what
// else the machine does hits all alike.
func measureLoads(ctx context.Context, st *stage, n int) error {
	b, err := startBrowser(ctx, filepath.Join(st.dir, "loads"))
	if err != nil {
		return err
	}
	defer b.stop()
	cost := map[string][]load{}
	for i := range n + 1 {
		for _, v := range variants {
			l, err := b.load(st.page(v))
			if err != nil {
				return fmt.Errorf("%s: %w", v, err)
			}
			if i > 0 { // the first loads warm up the browser
				cost[v] = append(cost[v], l)
			}
		}
	}
	fmt.Printf("Page load, CPU time of the main thread, median of %d (ms):\n\n| page with | script | all tasks |\n|---|---:|---:|\n", n)
	for _, v := range variants {
		fmt.Printf("| %s | %.1f | %.1f |\n", v, ms(median(cost[v], func(l load) time.Duration { return l.script })), ms(median(cost[v], func(l load) time.Duration { return l.tasks })))
	}
	fmt.Println()
	return nil
}

// measureBursts has 1,000 requests fail at once, each variant in a page of its own.
func measureBursts(ctx context.Context, st *stage, n int) error {
	b, err := startBrowser(ctx, filepath.Join(st.dir, "bursts"))
	if err != nil {
		return err
	}
	defer b.stop()
	all := map[string][]burst{}
	for range n {
		for _, v := range variants {
			one, err := b.burst(st.page(v), st.refuses)
			if err != nil {
				return fmt.Errorf("%s: %w", v, err)
			}
			all[v] = append(all[v], one)
		}
	}
	fmt.Printf("1,000 requests fail, 50 at a time, %d times, on the main thread (ms):\n\n", n)
	fmt.Println("| page with | CPU time, median | tasks over 50, all together | longest of those | longest pause, median | longest pause, worst |\n|---|---:|---:|---:|---:|---:|")
	for _, v := range variants {
		longest := slices.MaxFunc(all[v], func(a, b burst) int { return cmp.Compare(a.Longest, b.Longest) }).Longest
		worst := slices.MaxFunc(all[v], func(a, b burst) int { return cmp.Compare(a.Pause, b.Pause) }).Pause
		tasks := 0
		for _, one := range all[v] {
			tasks += one.Long
		}
		fmt.Printf("| %s | %.0f | %d | %.0f | %.1f | %.1f |\n", v, ms(median(all[v], func(b burst) time.Duration { return b.tasks })), tasks, longest,
			medianFloat(all[v], func(b burst) float64 { return b.Pause }), worst)
	}
	fmt.Println()
	if err := measureShares(b, st, n); err != nil {
		return err
	}
	if err := measureBegins(b, st, n); err != nil {
		return err
	}
	return measureRequests(b, st, n)
}

// measureShares tells what of such bursts is the script's own.
func measureShares(b *browser, st *stage, n int) error {
	fmt.Printf("The script's own part of that, %d more times under V8's profiler, sampling each 0.1 ms (ms):\n\n", n)
	fmt.Println("| script | longest stretch, worst of all | all together, median |\n|---|---:|---:|")
	for _, v := range []struct{ variant, script string }{{"heliograph", "/assets/heliograph.js"}, {"sentry", "/sentry.js"}} {
		var all []share
		for range n {
			one, err := b.share(st.page(v.variant), st.refuses, v.script)
			if err != nil {
				return fmt.Errorf("%s: %w", v.variant, err)
			}
			all = append(all, one)
		}
		longest := slices.MaxFunc(all, func(a, b share) int { return cmp.Compare(a.longest, b.longest) }).longest
		fmt.Printf("| %s | %.1f | %.0f |\n", v.variant, ms(longest), ms(median(all, func(s share) time.Duration { return s.total })))
	}
	fmt.Println()
	return nil
}

// measureBegins tells what a page pays in the task in which it begins requests.
func measureBegins(b *browser, st *stage, n int) error {
	fmt.Println("A task in which 50 requests begin that will fail, CPU time (ms):\n\n| page with | least | median | most |\n|---|---:|---:|---:|")
	all := map[string][]time.Duration{}
	for range n {
		for _, v := range variants {
			some, err := b.begin(st.page(v), st.refuses, 7)
			if err != nil {
				return fmt.Errorf("%s: %w", v, err)
			}
			all[v] = append(all[v], some...)
		}
	}
	for _, v := range variants {
		same := func(d time.Duration) time.Duration { return d }
		fmt.Printf("| %s | %.1f | %.1f | %.1f |\n", v, ms(slices.Min(all[v])), ms(median(all[v], same)), ms(slices.Max(all[v])))
	}
	fmt.Println()
	return nil
}

// measureRequests tells what an agent does with a request, above a fetch that does nothing.
func measureRequests(b *browser, st *stage, n int) error {
	fmt.Printf("A request through a fetch that uses no network, median of %d pages (µs):\n\n| page with | answered | failed |\n|---|---:|---:|\n", n)
	answered, failed := map[string][]float64{}, map[string][]float64{}
	for range n {
		for _, v := range variants {
			ok, bad, err := b.requests(st.page(v) + "&stub")
			if err != nil {
				return fmt.Errorf("%s: %w", v, err)
			}
			answered[v], failed[v] = append(answered[v], ok), append(failed[v], bad)
		}
	}
	same := func(f float64) float64 { return f }
	for _, v := range variants {
		fmt.Printf("| %s | %.1f | %.1f |\n", v, medianFloat(answered[v], same), medianFloat(failed[v], same))
	}
	fmt.Println()
	return nil
}

// measureFirsts times the way of a page's first failure to the collector: worker and module are
// loaded, compiled and started on it.
func measureFirsts(ctx context.Context, st *stage, n int) error {
	var cold, warm []time.Duration
	for i := range n {
		b, err := startBrowser(ctx, filepath.Join(st.dir, fmt.Sprintf("first%d", i)))
		if err != nil {
			return err
		}
		for _, into := range []*[]time.Duration{&cold, &warm} {
			took, err := b.first(st)
			if err != nil {
				b.stop()
				return err
			}
			*into = append(*into, took)
		}
		b.stop()
	}
	same := func(d time.Duration) time.Duration { return d }
	fmt.Printf("From a page's first failure to its sealed report at the collector, median of %d, of which 1,000 ms wait for more failures (ms):\n\n", n)
	fmt.Printf("| profile | |\n|---|---:|\n| fresh: nothing cached | %.0f |\n| second page: module in the HTTP cache | %.0f |\n", ms(median(cold, same)), ms(median(warm, same)))
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median[T any](all []T, of func(T) time.Duration) time.Duration {
	values := make([]time.Duration, len(all))
	for i := range all {
		values[i] = of(all[i])
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func medianFloat[T any](all []T, of func(T) float64) float64 {
	values := make([]float64, len(all))
	for i := range all {
		values[i] = of(all[i])
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// peerSource is @sentry/browser as its guide sets it up. What it sends goes to a port that refuses,
// as the page's requests do.
const peerSource = `import { captureException, init } from "@sentry/browser";
init({ dsn: "http://key@127.0.0.1:1/1" });
export { captureException };`

// buildPeer bundles the peer with the bundler of the shim, from the packages that the comparison of
// sizes has.
func buildPeer(ctx context.Context) (script []byte, err error) {
	const dir = "sizes"
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("run this in tests/bench: %w", err)
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--silent")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("installing the peer: %w: %s", err, out)
	}
	bundle := exec.CommandContext(ctx, "node_modules/.bin/esbuild", "--bundle", "--minify", "--format=esm", "--target=es2022", "--log-level=warning")
	bundle.Dir, bundle.Stdin = dir, strings.NewReader(peerSource)
	if script, err = bundle.Output(); err != nil {
		return nil, fmt.Errorf("bundling the peer: %w", err)
	}
	return script, nil
}
