// Package system tests the binary as an operator and a user run it: real processes, sockets
// and files.
package system

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/syncbuffer"
	"github.com/heliograph-net/heliograph/tests/source"
)

var binary string

// Set in the processes that tests make of their own program.
const (
	binaryEnv = "HELIOGRAPH_TEST_BINARY" // heliograph: it is built already
	hostEnv   = "HELIOGRAPH_TEST_HOST"   // this process is to become a host in a network of its own
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if os.Getenv(hostEnv) != "" {
			panic(becomeHost())
		}
		if binary = os.Getenv(binaryEnv); binary != "" {
			return m.Run()
		}
		dir, err := os.MkdirTemp("", "heliograph-system-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "heliograph")
		if err := source.Read("cmd/heliograph/*.go"); err != nil {
			panic(err)
		}
		build := exec.Command("go", "build", "-trimpath", "-o", binary, "./cmd/heliograph")
		build.Dir = source.Root
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			panic(fmt.Sprintf("building the binary: %v", err))
		}
		return m.Run()
	}())
}

// site is a data directory with ports of its own.
type site struct {
	t                          *testing.T
	dir                        string
	binary                     string // heliograph
	file                       string // configuration below dir; "": the directory's own
	collector, dashboard, oper string // host:port
}

func newSite(t *testing.T, moreConfig string) *site {
	t.Helper()
	s := &site{t: t, binary: binary, dir: filepath.Join(t.TempDir(), "d")}
	for _, addr := range []*string{&s.collector, &s.dashboard, &s.oper} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close() // all three together, so that they differ
		*addr = ln.Addr().String()
	}
	config := fmt.Sprintf("collector: {listen: %q}\ndashboard: {listen: %q, least_clients: 1}\noperations: {listen: %q}\n%s", s.collector, s.dashboard, s.oper, moreConfig)
	policy := fmt.Sprintf(`seal_key: keys/seal.pem
signers: [keys/policy.pub.pem]
collectors: [{id: c1, url: "http://%s", priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}]
`, s.collector)
	if err := roles.Init(s.dir, roles.InitOptions{Config: []byte(config), Policy: []byte(policy)}); err != nil {
		t.Fatal(err)
	}
	return s
}

// process is a running heliograph.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	logs *syncbuffer.Buffer
	done chan struct{}
}

// start runs heliograph and waits until its operations listener says that it is ready.
func (s *site) start(args ...string) *process {
	s.t.Helper()
	return s.startUntil("/health/ready", args...)
}

// startUntil runs heliograph and waits until a path of its operations listener answers 200.
func (s *site) startUntil(path string, args ...string) *process {
	s.t.Helper()
	p := startProcess(s.t, exec.Command(s.binary, args...))
	s.eventually("the process to be ready", func() error {
		select {
		case <-p.done:
			s.t.Fatalf("%v ended: %s", args, p.logs)
		default:
		}
		_, err := s.get("http://" + s.oper + path)
		return err
	})
	return p
}

// startProcess starts cmd and kills it at the end of the test.
func startProcess(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, logs: new(syncbuffer.Buffer), done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.logs, p.logs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(p.done) }()
	t.Cleanup(p.kill)
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// stop ends the process as an operator does, and expects exit code 0.
func (p *process) stop() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.t.Fatalf("does not stop: %s", p.logs)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("exit code %d: %s", code, p.logs)
	}
}

// run runs heliograph to its end.
func (s *site) run(args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.binary, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			s.t.Fatal(err)
		}
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func (s *site) get(url string) ([]byte, error) { return getWith(http.DefaultClient, url) }

func getWith(c *http.Client, url string) ([]byte, error) {
	resp, err := c.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, resp.Status, b)
	}
	return b, err
}

// eventually tries until check is content or a minute is over.
func (s *site) eventually(what string, check func() error) {
	s.t.Helper()
	s.within(time.Minute, what, check)
}

// within tries until check is content or the time is over.
func (s *site) within(most time.Duration, what string, check func() error) {
	s.t.Helper()
	deadline := time.Now().Add(most)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("waited %v for %s: %v", most, what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// failed asks the API how many requests failed with an outcome.
func (s *site) failed(outcome string) (float64, error) {
	b, err := s.get("http://" + s.dashboard + "/api/v1/totals?since=15m&by=type")
	if err != nil {
		return 0, err
	}
	var rows []struct {
		Type   string
		Failed float64
	}
	if err := json.Unmarshal(b, &rows); err != nil {
		return 0, fmt.Errorf("%w in %s", err, b)
	}
	for _, r := range rows {
		if r.Type == outcome {
			return r.Failed, nil
		}
	}
	return 0, nil
}

func (s *site) wantFailed(outcome string, want float64) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("%v failures of %s", want, outcome), func() error {
		got, err := s.failed(outcome)
		if err == nil && got != want {
			err = fmt.Errorf("got %v", got)
		}
		return err
	})
}

func (s *site) policy() string { return filepath.Join(s.dir, "policy") }
func (s *site) config() string { return filepath.Join(s.dir, cmp.Or(s.file, roles.ConfigName)) }

// grep returns the files below dir that hold any of the strings; a directory that does not exist
// holds none.
func grep(t *testing.T, dir string, needles ...string) (hits []string, files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, n := range needles {
			if bytes.Contains(b, []byte(n)) || strings.Contains(path, n) {
				hits = append(hits, path+": "+n)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return hits, files
}
