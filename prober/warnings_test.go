package prober

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// A warning is logged once, counted while it lasts, and outlives failures and reloads.
func TestWarnings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		now := time.Now()
		var result atomic.Pointer[probe.Result]
		result.Store(&probe.Result{Outcome: report.OK, CertificateEnds: now.Add(time.Hour), Warning: "the certificate ends in 1 hours"})
		certain := func(name string, f probe.Func) Target { return Target{Name: name, Spec: probe.Custom{Func: f}} }
		targets := []Target{
			certain("a", func(context.Context) (probe.Result, error) { return *result.Load(), nil }),
			certain("b", func(context.Context) (probe.Result, error) {
				return probe.Result{Outcome: report.OK, CertificateEnds: now.Add(9 * time.Hour)}, nil
			}),
		}
		registry := prometheus.NewRegistry()
		p, err := New(Options{Targets: targets, Interval: time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil)), Metrics: registry})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = p.Run(ctx) }()
		gauge := func(name string) float64 { return gather(t, registry)["heliograph_prober_"+name] }
		check := func(step string, warned int, first time.Duration, logged int) {
			t.Helper()
			time.Sleep(5*time.Second + time.Millisecond)
			synctest.Wait()
			if n := gauge("targets_with_warning"); n != float64(warned) {
				t.Errorf("%s: %v targets warn, want %d", step, n, warned)
			}
			if end := gauge("earliest_certificate_end_timestamp_seconds"); end != float64(now.Add(first).Unix()) {
				t.Errorf("%s: the first certificate ends at %v, want in %v", step, end, first)
			}
			if n := strings.Count(log.String(), "target=a"); n != logged {
				t.Errorf("%s: logged %d times, want %d:\n%s", step, n, logged, log.String())
			}
		}
		check("ends soon", 1, time.Hour, 1)
		result.Store(&probe.Result{Outcome: report.TCPRefused})
		check("fails", 1, time.Hour, 1)
		result.Store(&probe.Result{Outcome: report.OK, CertificateEnds: now.Add(20 * time.Hour)})
		check("renewed", 0, 9*time.Hour, 2)
		if err := p.Reload(Settings{Targets: targets[:1], Interval: time.Second}); err != nil {
			t.Fatal(err)
		}
		check("alone", 0, 20*time.Hour, 2)
		cancel()
		<-done
	})
}
