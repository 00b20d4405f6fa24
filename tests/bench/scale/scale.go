// Package scale measures a collector and a detector together, under the reports of a simulated
// population of clients. Start with [Run].
package scale

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Options are the options of [Run].
type Options struct {
	Clients     int // that are active
	Duration    time.Duration
	Speed       float64 // see heliograph simulate
	Connections int
	NATS        string // URL; "": the inbox is in SQLite
	ClickHouse  string // host:port; "": the store is in SQLite
	Root        string // of the repository
	Dir         string // "": a temporary directory
}

// requestEvery is how often an active client makes a request, as in docs/scale.md.
const requestEvery = 10 * time.Second

// scenario is the world of docs/scale.md: three in a hundred clients have a connection on which one
// request in ten fails, and otherwise one in ten thousand does.
const scenario = `about: Active clients of a service that works.
duration: %v
world:
  clients: %d
  requests_per_second: %v
  diurnal: 0
  networks: 5000
  servers: 100
  request_gap: 10s
  visit_requests: 12
  failure_rate: 0.0001
  bad_visits: 0.03
  bad_visit_failures: 0.1
  browsers: 0
  offline: 0
`

// result is what heliograph simulate prints.
type result struct {
	Seconds   float64 `json:"seconds"`
	Simulated float64 `json:"simulated_seconds"`
	Reports   uint64  `json:"reports"`
	Estimated uint64  `json:"estimated"`
	Counters  uint64  `json:"counters"`
	Delivered uint64  `json:"delivered"`
	Bytes     uint64  `json:"bytes"`
	GaveUp    uint64  `json:"gave_up"`
	SlowDowns uint64  `json:"slow_downs"`
}

// Run measures and prints tables.
func Run(ctx context.Context, o Options, out io.Writer) error {
	dir := o.Dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "benchscale-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	s := &stage{o: o, dir: dir, binary: filepath.Join(dir, "heliograph")}
	defer s.end()
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	m, err := s.measure(ctx)
	if err != nil {
		return err
	}
	m.print(out, &o)
	return nil
}

// stage is the processes and their files.
type stage struct {
	o           Options
	dir, binary string
	address     map[string]string // of listeners
	collector   *process
	detector    *process
}

// prepare builds the binary and writes configurations.
func (s *stage) prepare(ctx context.Context) error {
	binary, err := filepath.Abs(s.binary)
	if err != nil {
		return err
	}
	s.binary = binary
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "./cmd/heliograph")
	build.Dir, build.Stderr = s.o.Root, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building heliograph: %w", err)
	}
	if s.address, err = freeAddresses("collector", "operations1", "dashboard", "operations2"); err != nil {
		return err
	}
	if _, err := s.run(ctx, "init", s.path("d")); err != nil {
		return err
	}
	inbox, feed, store := "d/inbox.db", fmt.Sprintf("url: \"http://%s\"", s.address["collector"]), "store.db"
	if s.o.NATS != "" {
		inbox = fmt.Sprintf("{kind: nats, servers: [%q], stream: benchscale, replicas: 1}", s.o.NATS)
		feed = fmt.Sprintf("nats: {servers: [%q], stream: benchscale, source: c1}", s.o.NATS)
	}
	if s.o.ClickHouse != "" {
		store = fmt.Sprintf("{events: {kind: clickhouse, address: %q, database: heliograph}, state: store.db}", s.o.ClickHouse)
	}
	inbox = strings.TrimPrefix(inbox, "d/")
	for name, text := range map[string]string{
		"scenario.yaml": fmt.Sprintf(scenario, s.o.Duration, s.o.Clients, float64(s.o.Clients)/requestEvery.Seconds()),
		// more new networks a second than the default allows: the simulated ones are all new at
		// first
		"d/collector.yaml": fmt.Sprintf("networks: ../networks.tsv\noperations: {listen: %q}\ncollector: {listen: %q, inbox: %s, inbox_max_bytes: 20000000000, trusted_proxies: [127.0.0.1/32], new_sources_per_second: 1000000}\n",
			s.address["operations1"], s.address["collector"], inbox),
		"d/detector.yaml": fmt.Sprintf("networks: ../networks.tsv\noperations: {listen: %q}\ndashboard: {listen: %q}\ndetector: {store: %s, feeds: [{id: c1, %s}]}\n",
			s.address["operations2"], s.address["dashboard"], store, feed),
		"d/policy.yaml": fmt.Sprintf("version: 2\nseal_key: keys/seal.pem\nsigners: [keys/policy.pub.pem]\ncollectors: [{id: c1, url: \"http://%s\", receipt_key: keys/receipt.pub.pem}]\n",
			s.address["collector"]),
	} {
		if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if _, err := s.run(ctx, "policy", "sign", "--key", s.path("d/keys/policy.pem"), "--out", s.path("d/policy"), s.path("d/policy.yaml")); err != nil {
		return err
	}
	_, err = s.run(ctx, "simulate", "--scenario", s.path("scenario.yaml"), "--networks", s.path("networks.tsv"))
	return err
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// freeAddresses returns addresses on which nothing listens.
func freeAddresses(names ...string) (map[string]string, error) {
	all := map[string]string{}
	for _, name := range names {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all together, so that they differ
		all[name] = l.Addr().String()
	}
	return all, nil
}

// run runs heliograph to its end.
func (s *stage) run(ctx context.Context, args ...string) (stdout []byte, err error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, s.binary, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("heliograph %s: %w: %s", args[0], err, errs.String())
	}
	return out.Bytes(), nil
}

// start starts collector and detector.
func (s *stage) start(ctx context.Context) (err error) {
	if s.collector, err = s.launch(ctx, "collector", s.address["operations1"]); err == nil {
		s.detector, err = s.launch(ctx, "detector", s.address["operations2"])
	}
	return err
}

// end ends the processes.
func (s *stage) end() {
	for _, p := range []*process{s.detector, s.collector} {
		if p != nil {
			p.stop()
		}
	}
}

// measured is what came out.
type measured struct {
	result
	stored                         time.Duration // from the first report sent to the last one stored
	simulator, collector, detector time.Duration // CPU
	memory                         [3]int64      // most bytes resident, in the same order
}

// measure sends the reports and waits until the detector has stored all of them.
func (s *stage) measure(ctx context.Context) (m *measured, err error) {
	m = &measured{}
	collector, detector := s.collector.cpu(), s.detector.cpu()
	began := time.Now()
	var out bytes.Buffer
	simulate := exec.CommandContext(ctx, s.binary, "simulate", "--scenario", s.path("scenario.yaml"), "--to", "c1", "--policy", s.path("d/policy"),
		"--speed", fmt.Sprint(s.o.Speed), "--connections", fmt.Sprint(s.o.Connections), "--json")
	simulate.Stdout = &out
	told, err := simulate.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := simulate.Start(); err != nil {
		return nil, err
	}
	var warm time.Duration // CPU until the scenario begins
	for lines := bufio.NewScanner(told); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "the scenario is from ") {
			began, warm = time.Now(), cpuOf(simulate.Process.Pid)
		}
		fmt.Fprintln(os.Stderr, lines.Text())
	}
	if err := simulate.Wait(); err != nil {
		return nil, fmt.Errorf("heliograph simulate: %w: %s", err, out.String())
	}
	m.simulator = simulate.ProcessState.UserTime() + simulate.ProcessState.SystemTime() - warm
	if usage, ok := simulate.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.memory[0] = usage.Maxrss << 10
	}
	if err := json.Unmarshal(out.Bytes(), &m.result); err != nil {
		return nil, fmt.Errorf("heliograph simulate: %w: %s", err, out.String())
	}
	if err := s.awaitStored(ctx, m.Delivered); err != nil {
		return nil, err
	}
	m.stored = time.Since(began)
	m.collector, m.detector = s.collector.cpu()-collector, s.detector.cpu()-detector
	m.memory[1], m.memory[2] = s.collector.memory(), s.detector.memory()
	return m, nil
}

// awaitStored waits until the detector has so many batches.
func (s *stage) awaitStored(ctx context.Context, batches uint64) error {
	const patience = 5 * time.Minute // without any progress
	last, since := 0.0, time.Now()
	for {
		got, err := metric(ctx, "http://"+s.address["operations2"]+"/metrics", "heliograph_detector_batches_total")
		if err == nil && got >= float64(batches) {
			return nil
		}
		if got > last {
			last, since = got, time.Now()
		}
		if time.Since(since) > patience {
			return errors.Join(fmt.Errorf("the detector has %.0f of %d batches, and no more come", got, batches), err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// print prints the tables.
func (m *measured) print(out io.Writer, o *Options) {
	sent, stored := float64(m.Delivered)/m.Seconds, float64(m.Delivered)/m.stored.Seconds()
	worth := float64(m.Estimated) / m.stored.Seconds() * requestEvery.Seconds()
	fmt.Fprintf(out, "%s, %s/%s, %d CPUs, %s: %v of %d active clients, inbox in %s, store in %s\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(),
		time.Now().UTC().Format(time.DateOnly), o.Duration, o.Clients, kind(o.NATS, "NATS"), kind(o.ClickHouse, "ClickHouse"))
	fmt.Fprintf(out, "| | |\n|---|---:|\n")
	for _, row := range [][2]string{
		{"reports delivered, each with a verified receipt", fmt.Sprint(m.Delivered)},
		{"of them stored by the detector", "all"},
		{"requests that they stand for", fmt.Sprint(m.Estimated)},
		{"asked to come later, given up", fmt.Sprintf("%d, %d", m.SlowDowns, m.GaveUp)},
		{"sent: s, reports/s", fmt.Sprintf("%.1f, %.0f", m.Seconds, sent)},
		{"stored: s, reports/s", fmt.Sprintf("%.1f, %.0f", m.stored.Seconds(), stored)},
		{"counters/s", fmt.Sprintf("%.0f", float64(m.Counters)/m.stored.Seconds())},
		{"MB/s, sealed", fmt.Sprintf("%.1f", float64(m.Bytes)/1e6/m.stored.Seconds())},
		{"active clients whose reports those are, at a request every ten seconds", fmt.Sprintf("%.0f", worth)},
		{"reports a second of a million of them", fmt.Sprintf("%.0f", stored/worth*1e6)},
	} {
		fmt.Fprintf(out, "| %s | %s |\n", row[0], row[1])
	}
	fmt.Fprintf(out, "\n| part | CPU s | CPU µs of a report | MiB resident |\n|---|---:|---:|---:|\n")
	for _, part := range []struct {
		name   string
		cpu    time.Duration
		memory int64
	}{{"simulate", m.simulator, m.memory[0]}, {"collector", m.collector, m.memory[1]}, {"detector", m.detector, m.memory[2]}} {
		fmt.Fprintf(out, "| %s | %.1f | %.0f | %d |\n", part.name, part.cpu.Seconds(), float64(part.cpu.Microseconds())/float64(m.Delivered), part.memory>>20)
	}
}

func kind(url, name string) string {
	if url == "" {
		return "SQLite"
	}
	return name
}
