package otlp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Times of deliveries.
const (
	requestTime = 10 * time.Second       // for one request
	retryTime   = time.Minute            // after it, a batch that could not be delivered is dropped
	longestWait = 15 * time.Second       // between two attempts, whatever the collector asks for
	lastTime    = 500 * time.Millisecond // for everything that is left when Run ends
	maxAnswer   = 64 << 10               // bytes of an answer that are read
)

// Run sends what is queued until ctx ends, and then once more what is left. It returns nil.
func (e *Exporter) Run(ctx context.Context) error {
	tick := time.NewTicker(e.o.every)
	defer tick.Stop()
	defer e.client.CloseIdleConnections()
	collect := newTicks(e.o.Interval)
	defer collect.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
			defer cancel()
			e.flush(last)
			e.collect(last)
			return nil
		case <-tick.C:
			e.flush(ctx)
		case <-e.kick:
			e.flush(ctx)
		case <-collect.C:
			e.collect(ctx)
		}
	}
}

// newTicks returns a ticker. With 0 it never ticks.
func newTicks(d time.Duration) *time.Ticker {
	if d <= 0 {
		t := time.NewTicker(time.Hour)
		t.Stop()
		return t
	}
	return time.NewTicker(d)
}

// flush sends all that is queued. What comes meanwhile waits for the next time.
func (e *Exporter) flush(ctx context.Context) {
	for range maxQueue / batch {
		spans, records := take(e, &e.spans), take(e, &e.logs)
		if len(spans) > 0 {
			e.send(ctx, traces, len(spans), encodeSpans(e.o.Resource, spans))
		}
		if len(records) > 0 {
			e.send(ctx, logs, len(records), encodeLogs(e.o.Resource, records))
		}
		if len(spans) < batch && len(records) < batch {
			return
		}
	}
}

func (e *Exporter) collect(ctx context.Context) {
	if e.o.Collect == nil || e.o.Interval <= 0 {
		return
	}
	all := e.o.Collect(ctx)
	points := 0
	for i := range all {
		points += len(all[i].Points)
	}
	if points > 0 {
		e.send(ctx, metrics, points, encodeMetrics(e.o.Resource, all))
	}
}

// send delivers n items, or drops and counts them.
func (e *Exporter) send(ctx context.Context, signal string, n int, document any) {
	body, err := json.Marshal(document)
	if err != nil { // a number that JSON does not have
		e.drop(signal, dropRefused, n)
		e.log.Error("telemetry cannot be encoded", "signal", signal, "error", err)
		return
	}
	wait := backoff.NewExponentialBackOff(backoff.WithInitialInterval(500*time.Millisecond), backoff.WithMaxInterval(longestWait), backoff.WithMaxElapsedTime(0))
	for end := time.Now().Add(retryTime); ; {
		refused, after, err := e.post(ctx, signal, body)
		e.note(signal, err)
		if err == nil {
			e.drop(signal, dropRefused, min(refused, n))
			e.sent.WithLabelValues(signal).Add(float64(max(n-refused, 0)))
			return
		}
		if errors.Is(err, errRefused) {
			e.drop(signal, dropRefused, n)
			return
		}
		pause := min(max(after, wait.NextBackOff()), longestWait)
		if time.Now().Add(pause).After(end) || !sleep(ctx, pause) {
			e.drop(signal, dropUndelivered, n)
			return
		}
	}
}

// errRefused says that a collector will never accept what was sent.
var errRefused = errors.New("the OpenTelemetry Collector refuses it")

// post makes one request. refused is the number of items that the collector did not accept, and
// after is how long it asks to wait.
func (e *Exporter) post(ctx context.Context, signal string, body []byte) (refused int, after time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.o.Endpoint+"/v1/"+signal, bytes.NewReader(body))
	if err != nil {
		return 0, 0, err
	}
	for name, value := range e.o.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := e.client.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode == http.StatusOK && err == nil:
		return rejected(answer), 0, nil
	case resp.StatusCode == http.StatusOK:
		return 0, 0, err
	case retryable(resp.StatusCode):
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return 0, time.Duration(max(seconds, 0)) * time.Second, fmt.Errorf("answered %s", resp.Status)
	default:
		return 0, 0, fmt.Errorf("%w: answered %s", errRefused, resp.Status)
	}
}

// retryable reports whether a status asks for another attempt (OTLP, section "Failures").
func retryable(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// rejected returns how many items an answer says were not accepted.
func rejected(answer []byte) int {
	var a struct {
		PartialSuccess struct {
			Spans  json.Number `json:"rejectedSpans"`
			Points json.Number `json:"rejectedDataPoints"`
			Logs   json.Number `json:"rejectedLogRecords"`
		} `json:"partialSuccess"`
	}
	_ = json.Unmarshal(answer, &a) // an empty answer accepts all
	for _, n := range []json.Number{a.PartialSuccess.Spans, a.PartialSuccess.Points, a.PartialSuccess.Logs} {
		if count, err := n.Int64(); err == nil && count > 0 && count < 1<<31 {
			return int(count)
		}
	}
	return 0
}

// note logs when deliveries begin to fail and when they succeed again, but not every failure.
func (e *Exporter) note(signal string, err error) {
	switch {
	case err != nil && !e.failing:
		e.log.Warn("telemetry is not delivered; it is dropped and counted if that goes on", "endpoint", e.o.Endpoint, "signal", signal, "error", err)
	case err == nil && e.failing:
		e.log.Info("telemetry is delivered again", "endpoint", e.o.Endpoint)
	}
	e.failing = err != nil
}

// sleep reports whether ctx lasted longer.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
