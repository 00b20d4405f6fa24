// Command benchfirst measures how long the first incident of an outage takes, with what the guides
// say and nothing but defaults: an operator with all roles, and 30 programs in Go, C, Python and
// Node.js, each a process with its own spool, that ask a service every two seconds. After some
// minutes the service ends, and all are refused. Run it in this module's directory, as root, for it
// makes a network of its own in which nobody else has the ports:
//
//	unshare --net go run ./cmd/benchfirst
//
// It needs what tests/setup.sh installs. docs/benchmarks.md has what came out.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	service = "127.0.0.1:9000"
	api     = "http://127.0.0.1:8418/api/v1/incidents"
	total   = 30
)

func main() {
	learn := flag.Duration("learn", 7*time.Minute, "how long the service answers before it ends")
	root := flag.String("root", "../..", "the repository")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if flag.NArg() == 4 && flag.Arg(0) == "call" { // a child
		err = call(flag.Arg(1), flag.Arg(2), flag.Arg(3))
	} else {
		err = run(ctx, *root, *learn)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchfirst:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root string, learn time.Duration) error {
	dir, err := os.MkdirTemp("", "benchfirst-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := prepare(ctx, root, dir); err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	var started []*exec.Cmd
	defer func() {
		end()
		for _, cmd := range started {
			_ = cmd.Wait()
		}
	}()
	start := func(args ...string) error {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		started = append(started, cmd)
		return cmd.Start()
	}
	if err := start("./heliograph", "up", "--data", "d"); err != nil {
		return err
	}
	if err := until(ctx, time.Minute, func() bool { _, err := incidents(); return err == nil }); err != nil {
		return fmt.Errorf("heliograph up: %w", err)
	}
	server, err := serve()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	callers := [][]string{{self, "call"}, {"./caller"}, {"env/bin/python", "caller.py"}, {"node", "caller.js"}}
	for i := range total {
		policy, spool := filepath.Join(dir, "d/policy"), filepath.Join(dir, fmt.Sprint("spool", i))
		if err := start(append(callers[i%len(callers)], policy, spool, "http://"+service+"/cart")...); err != nil {
			return err
		}
	}
	fmt.Printf("%d programs ask a service that answers, for %v\n", total, learn)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(learn):
	}
	if list, err := incidents(); err != nil || len(list) > 0 {
		return fmt.Errorf("before the outage: %d incidents, %v", len(list), err)
	}
	_ = server.Close()
	ended := time.Now()
	if err := until(ctx, 10*time.Minute, func() bool { list, err := incidents(); return err == nil && len(list) > 0 }); err != nil {
		return fmt.Errorf("no incident: %w", err)
	}
	list, err := incidents()
	if err != nil {
		return err
	}
	fmt.Printf("the first incident came %.1f s after the service had ended: %s\n", time.Since(ended).Seconds(), list[0].Title)
	return nil
}

// prepare does what the guides say, in dir.
func prepare(ctx context.Context, root, dir string) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	programs, err := filepath.Abs("cmd/benchfirst/programs")
	if err != nil {
		return err
	}
	script := `set -e
ip link set lo up
(cd "$ROOT" && go build -o "$DIR/heliograph" ./cmd/heliograph && go build -buildmode=c-shared -o "$DIR/libheliograph.so" ./cmd/libheliograph)
cp "$PROGRAMS"/caller.* .
gcc -std=gnu99 -Wall -I"$ROOT/cmd/libheliograph" caller.c -o caller -L. -lheliograph -lcurl -Wl,-rpath,"$DIR"
wheel=$("$ROOT/bindings/python/build.sh" "$DIR")
/usr/bin/python3 -m venv --system-site-packages env
env/bin/pip install --quiet --no-index --no-deps --disable-pip-version-check "$wheel"
npm init -y >/dev/null
npm install --offline --no-audit --no-fund --silent "$("$ROOT/bindings/node/build.sh" "$DIR")"
./heliograph init d >/dev/null
`
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(os.Environ(), "ROOT="+root, "DIR="+dir, "PROGRAMS="+programs)
	return cmd.Run()
}

// serve starts the service.
func serve() (*http.Server, error) {
	l, err := net.Listen("tcp", service)
	if err != nil {
		return nil, err
	}
	s := &http.Server{ReadTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })}
	go func() { _ = s.Serve(l) }() // ends with Close
	return s, nil
}

type incident struct {
	Title string `json:"title"`
}

// incidents asks the operator.
func incidents() ([]incident, error) {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(api)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status)
	}
	var all []incident
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(string(b)))
	}
	return all, nil
}

// until asks every 100 ms until done, or an error is due.
func until(ctx context.Context, patience time.Duration, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}
