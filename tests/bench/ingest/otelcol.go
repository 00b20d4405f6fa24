package ingest

import (
	"context"
	"errors"
	"os/exec"
)

// OTelCol is the OpenTelemetry Collector: OTLP over HTTP into a queue that is synced to disk before
// it answers.
const OTelCol = "otelcol"

// OTelColBinary is where the collector of tests/bench/otelcol has been built to. "" means that
// there is none.
var OTelColBinary string

func otelcolCommand(ctx context.Context, dir string) (*exec.Cmd, error) {
	if OTelColBinary == "" {
		return nil, errors.New("the OpenTelemetry Collector has not been built")
	}
	return exec.CommandContext(ctx, OTelColBinary, dir), nil
}
