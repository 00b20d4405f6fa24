package slogagent_test

import (
	"bytes"
	"log"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent/slogagent"
	"github.com/heliograph-net/heliograph/report"
)

// keepDefaults puts slog's and log's defaults back after the test.
func keepDefaults(t *testing.T) {
	logger, to, flags, prefix := slog.Default(), log.Writer(), log.Flags(), log.Prefix()
	t.Cleanup(func() {
		slog.SetDefault(logger)
		log.SetOutput(to)
		log.SetFlags(flags)
		log.SetPrefix(prefix)
	})
}

// lines is what several goroutines wrote.
type lines struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.String()
}

// within fails the test when f hangs.
func within(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("hangs")
	}
}

// TestDefaultHandlerAsDefault: a handler around slog's own default handler becomes the default, and
// what is logged comes out as before, by way of slog and of log.
func TestDefaultHandlerAsDefault(t *testing.T) {
	logAll := func() {
		slog.Info("hello", "n", 3, "level", "mine", "text", "two words")
		slog.Debug("nobody")
		slog.With("a", 1).WithGroup("g").Warn("grouped", "b", 2)
		slog.Error("failed")
		log.Print("by log")
	}
	keepDefaults(t)
	var bare, wrapped lines
	log.SetFlags(0)
	log.SetOutput(&bare)
	logAll()

	r := newRig(t, report.Counts)
	log.SetOutput(&wrapped)
	h := slogagent.New(r.Agent, slog.Default().Handler(), slogagent.Options{})
	slog.SetDefault(slog.New(h))
	within(t, logAll)
	// by way of log it comes with a level, as it does for every handler that is the default
	want := strings.Replace(bare.String(), "by log", "INFO by log", 1)
	if got := wrapped.String(); got != want {
		t.Errorf("wrote\n%s\nwant\n%s", got, want)
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := r.Stats().Errors; n != 1 {
		t.Errorf("%d errors captured, want 1", n)
	}
}

// TestDefaultHandlerTwice: derived handlers and a second layer do not hang, either.
func TestDefaultHandlerTwice(t *testing.T) {
	keepDefaults(t)
	log.SetOutput(&lines{})
	old := slog.Default().With("service", "shop").WithGroup("g").Handler()
	first := slogagent.New(nil, old, slogagent.Options{})
	slog.SetDefault(slog.New(first))
	// the log package writes to first by now
	second := slogagent.New(nil, old, slogagent.Options{})
	third := slogagent.New(nil, second, slogagent.Options{})
	devNull, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer devNull.Close()
	stderr := os.Stderr
	os.Stderr = devNull
	defer func() { os.Stderr = stderr }()
	slog.SetDefault(slog.New(third))
	within(t, func() {
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() { slog.Error("x", "k", 1); log.Print("y") })
		}
		group.Wait()
	})
	for _, h := range []*slogagent.Handler{first, second, third} {
		if err := h.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNilHandlerAndNilAgent(t *testing.T) {
	h := slogagent.New(nil, nil, slogagent.Options{})
	slog.New(h).With("a", 1).WithGroup("g").Error("x")
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
