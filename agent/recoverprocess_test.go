//go:build !js && !wasip1

package agent_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/report"
)

const panicDir, panicPolicy = "HELIOGRAPH_TEST_PANIC_SPOOL", "HELIOGRAPH_TEST_PANIC_POLICY"

// TestPanicEndsTheProcessAndItsReportStays runs itself as the application that panics.
func TestPanicEndsTheProcessAndItsReportStays(t *testing.T) {
	if dir := os.Getenv(panicDir); dir != "" {
		panicInGoroutine(t, dir)
		return
	}
	w, dir := newWorld(t, "c1"), t.TempDir()
	app := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	app.Env = append(os.Environ(), panicDir+"="+dir, panicPolicy+"="+base64.StdEncoding.EncodeToString(w.signed(w.signer, nil)))
	var stderr bytes.Buffer
	app.Stderr = &stderr
	if err := app.Run(); err == nil || !strings.Contains(stderr.String(), "panic: out of stock") {
		t.Fatalf("the application ended with %v: %s; want its own panic", err, &stderr)
	}
	spool, err := diskspool.Open(dir, diskspool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer spool.Close()
	segments, err := spool.List()
	if err != nil || len(segments) != 1 {
		t.Fatalf("%d segments, %v; want 1", len(segments), err)
	}
	body, err := spool.Read(segments[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	left := w.openSegment(segments[0].ID, body)
	if len(left.windows) != 1 || left.windows[0].Counters[0].Outcome != report.TCPRefused {
		t.Errorf("left windows %+v, want the request that was refused before", left.windows)
	}
	errs := left.errors
	if len(errs) != 1 || errs[0].Kind != report.KindPanic || errs[0].Message != "out of stock" || !strings.HasSuffix(errs[0].Frames[0].Function, "agent_test.sell") {
		t.Errorf("left %+v, want the panic in sell", errs)
	}
}

func panicInGoroutine(t *testing.T, dir string) {
	policy, err := base64.StdEncoding.DecodeString(os.Getenv(panicPolicy))
	if err != nil {
		t.Fatal(err)
	}
	spool, err := diskspool.Open(dir, diskspool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "c1")
	w.setHandler("c1", refuse)
	a, err := agent.New(agent.Options{App: "shop", Policy: policy, Consent: report.Diagnostics, Spool: spool, Transport: w})
	if err != nil {
		t.Fatal(err)
	}
	a.Observe(failure("shop.example"))
	go func() {
		defer a.Recover()
		sell()
	}()
	time.Sleep(time.Minute) // the panic ends the process
}

//go:noinline
func sell() { panic("out of stock") }
