//go:build cgo

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
)

// site makes a data directory whose policy names one collector at an address.
func site(t *testing.T, collector string) (dir, policy string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "d")
	err := roles.Init(dir, roles.InitOptions{
		Config: fmt.Appendf(nil, "collector: {listen: %q}\ndashboard: {listen: \"127.0.0.1:0\", least_clients: 1}\noperations: {listen: \"127.0.0.1:0\"}\n", collector),
		Policy: fmt.Appendf(nil, "seal_key: keys/seal.pem\nsigners: [keys/policy.pub.pem]\n"+
			"collectors: [{id: c1, url: \"http://%s\", priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}]\n", collector),
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir, filepath.Join(dir, "policy")
}

// startNode runs the collector, the detector and the dashboard of a site.
func startNode(t *testing.T, dir string) *roles.Process {
	t.Helper()
	c, err := roles.Load(filepath.Join(dir, roles.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	n, err := roles.New(t.Context(), roles.Options{Config: c, Roles: roles.Roles{Collector: true, Detector: true}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(n.Run)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// freePort returns a host:port on which a collector may listen later.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// run runs a program to its end. Its standard output must match a pattern, and its standard error
// must be empty.
func run(t *testing.T, stdout, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || !regexp.MustCompile("^"+stdout+"$").Match(out.Bytes()) || errs.Len() > 0 {
		t.Fatalf("%s: %v\nstdout: %s\nstderr: %s", filepath.Base(name), err, &out, &errs)
	}
}

// ask returns the rows of an answer of the dashboard.
func ask(t *testing.T, n *roles.Process, path string) []map[string]any {
	t.Helper()
	resp, err := http.Get("http://" + n.DashboardAddr + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var rows []map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&rows); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %v", path, resp.Status, err)
	}
	return rows
}

// eventually waits until the dashboard returns a row with these values.
func eventually(t *testing.T, n *roles.Process, path string, want map[string]any) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for {
		rows := ask(t, n, path)
		if slices.ContainsFunc(rows, func(row map[string]any) bool { return holds(row, want) }) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited 15 s: %s gives %v, want %v", path, rows, want)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func holds(row, want map[string]any) bool {
	for k, v := range want {
		if !reflect.DeepEqual(row[k], v) {
			return false
		}
	}
	return true
}

// TestExample runs the example with real connections that are refused, first without a collector
// and then with one, and linked both ways. No total contains anything to which the user had not
// agreed.
func TestExample(t *testing.T) {
	collector, target := freePort(t), probetest.ClosedPort(t)
	dir, policy := site(t, collector)
	spool := filepath.Join(t.TempDir(), "spool")
	_, port, _ := net.SplitHostPort(target)
	shared := program(t, "example/example.c", built(t, sharedLibrary))
	static := program(t, "example/example.c", built(t, staticLibrary))
	run(t, `heliograph \S+: 3 requests observed, 1 segments remain\n`, shared, policy, spool, port)

	node := startNode(t, dir)
	const delivered = `.*: \d+ bytes, sealed, went to collector c1 .*\n(?s:.*)  Counted: 3 requests to http://127.0.0.1:\d+ failed: tcp.refused\n` +
		`(?s:.*)  Error of the application: 1 × app.error cart.unreadable: no cart for \[email\] .*\n(?s:.*)` +
		`heliograph \S+: 3 requests observed, 0 segments remain\n`
	totals := "/api/v1/totals?since=15m&by=type,app,target,server"
	example := map[string]any{"type": "tcp.refused", "app": "example", "target": "http://" + target, "server": target, "ok": 0.0}
	// the program starts without consent, so what the first run left is deleted
	run(t, delivered, shared, policy, spool, port)
	example["failed"] = 3.0
	eventually(t, node, totals, example)
	run(t, delivered, static, policy, spool, port)
	example["failed"] = 6.0
	eventually(t, node, totals, example)

	samples := ask(t, node, "/api/v1/reports?type="+url.QueryEscape("tcp.refused"))
	sample := map[string]any{"app": "example", "version": "1.0.0", "method": "GET", "url": "http://" + target + "/cart", "server": target}
	// The second run started without consent, too. So it sent a deletion notice for the first run,
	// whose samples are deleted.
	if len(samples) != 3 || !holds(samples[0], sample) {
		t.Errorf("samples: %v", samples)
	}
	errs := ask(t, node, "/api/v1/reports?type=app.error")
	if len(errs) != 1 || !holds(errs[0], map[string]any{"app": "example", "error_type": "cart.unreadable", "message": "no cart for [email]"}) ||
		!strings.HasPrefix(fmt.Sprint(errs[0]["stack"]), "cart_load example.c:") {
		t.Errorf("errors: %v", errs)
	}
}

// TestMisuse makes calls that must do no harm, against both libraries, and with the address
// sanitizer if the compiler has it.
func TestMisuse(t *testing.T) {
	collector := freePort(t)
	_, policy := site(t, collector)
	run(t, "", program(t, "testdata/misuse.c", built(t, sharedLibrary)), policy, filepath.Join(t.TempDir(), "spool"))
	library, flags := staticLibrary, []string{}
	if gccCan(t, "-x", "c", "-fsanitize=address") {
		library, flags = asanLibrary, []string{"-fsanitize=address"}
	}
	run(t, "", program(t, "testdata/misuse.c", built(t, library), flags...), policy, filepath.Join(t.TempDir(), "spool"))
}

// TestSignals: the host gets its signals, whichever way the library is linked.
func TestSignals(t *testing.T) {
	collector := freePort(t)
	_, policy := site(t, collector)
	for _, library := range []func() (string, error){sharedLibrary, staticLibrary} {
		run(t, "", program(t, "testdata/signals.c", built(t, library)), policy, filepath.Join(t.TempDir(), "spool"))
	}
}

// TestForkedChildLetsGo: a forked child that lives on does not keep the next process from
// delivering what its parent left.
func TestForkedChildLetsGo(t *testing.T) {
	collector := freePort(t)
	_, policy := site(t, collector)
	real := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	for _, library := range []func() (string, error){sharedLibrary, staticLibrary} {
		run(t, "", program(t, "testdata/forked.c", built(t, library)), policy, filepath.Join(link, t.Name()))
	}
}

// TestQuiet: if net/http logs because a collector misbehaves, nothing of that reaches the host's
// stderr.
func TestQuiet(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, policy := site(t, ln.Addr().String())
	hungUp := make(chan struct{}, 16)
	go func() { // ends when ln is closed
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go talkOutOfTurn(conn, hungUp)
		}
	}()
	defer ln.Close()

	cmd := exec.CommandContext(t.Context(), program(t, "testdata/quiet.c", built(t, staticLibrary)), policy, filepath.Join(t.TempDir(), "spool"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-hungUp: // net/http logs before it hangs up
	case <-time.After(30 * time.Second):
		t.Error("nothing was delivered")
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil || out.Len() > 0 {
		t.Errorf("%v, printed: %s", err, &out)
	}
}

// talkOutOfTurn answers one request and then sends more without being asked.
func talkOutOfTurn(conn net.Conn, hungUp chan<- struct{}) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	r := bufio.NewReader(conn)
	req, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, req.Body)
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"+strings.Repeat("unasked ", 8))
	if _, err := r.ReadByte(); err == nil {
		return
	}
	hungUp <- struct{}{}
}
