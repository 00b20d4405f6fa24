package lifecycle

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestCloseRunsInReverseAndNamesErrors(t *testing.T) {
	var s Stack
	var order []string
	for _, name := range []string{"store", "listener"} {
		s.Defer(name, func(context.Context) error { order = append(order, name); return errors.New("boom") })
	}
	err := s.Close(t.Context())
	if got := strings.Join(order, " "); got != "listener store" {
		t.Errorf("order = %q", got)
	}
	if err == nil || !strings.Contains(err.Error(), "stopping store: boom") || !strings.Contains(err.Error(), "stopping listener: boom") {
		t.Errorf("err = %v, want both steps named", err)
	}
	if err := s.Close(t.Context()); err != nil || len(order) != 2 {
		t.Errorf("second Close ran steps again: %v, %v", err, order)
	}
}

func TestGoIsCancelledAndWaitedFor(t *testing.T) {
	var s Stack
	ended := false
	s.Go(t.Context(), "worker", func(ctx context.Context) error {
		<-ctx.Done()
		ended = true
		return ctx.Err()
	}, func(err error) { t.Errorf("failed(%v) after a requested end", err) })
	if err := s.Close(t.Context()); err != nil || !ended {
		t.Errorf("Close = %v, ended = %v", err, ended)
	}
}

func TestGoReportsFailureAtOnce(t *testing.T) {
	var s Stack
	failed := make(chan error, 1)
	s.Go(t.Context(), "worker", func(context.Context) error { return errors.New("boom") }, func(err error) { failed <- err })
	if err := <-failed; err.Error() != "worker: boom" {
		t.Errorf("failed with %q", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestGoThatWillNotEndIsNamed(t *testing.T) {
	var s Stack
	release := make(chan struct{})
	defer close(release)
	s.Go(t.Context(), "stuck", func(context.Context) error { <-release; return nil }, func(error) {})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ctx); err == nil || !strings.Contains(err.Error(), "stopping stuck") {
		t.Errorf("err = %v", err)
	}
}
