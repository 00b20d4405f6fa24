package probetest

import (
	"context"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
)

// Once makes one attempt with a timeout.
func Once(t testing.TB, spec probe.Spec, env probe.Env, timeout time.Duration) (probe.Result, error) {
	t.Helper()
	f, err := spec.Probe(env)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return f(ctx)
}
