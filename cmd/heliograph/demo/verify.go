package demo

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// verify compares what the clients have counted with what is in the store.
func (s *stage) verify(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.times.verifyWithin)
	defer cancel()
	s.crowd.StopRequests()
	if err := s.crowd.Drain(ctx); err != nil {
		return err
	}
	if err := s.nothingElse(ctx); err != nil {
		return err
	}
	batches, dropped := s.crowd.Delivered()
	for id, times := range batches {
		if times != 1 {
			return fmt.Errorf("batch %v was counted as delivered %d times", id, times)
		}
	}
	for { // the last batches may still be in a collector's inbox
		err := s.compare(ctx, len(batches), dropped)
		if err == nil {
			break
		}
		if !sleep(ctx, 200*time.Millisecond) {
			return err
		}
	}
	for id := range batches {
		if _, found, err := s.node.Store.Batch(ctx, id); err != nil || !found {
			return fmt.Errorf("batch %v was delivered and is not in the store (%w)", id, err)
		}
	}
	clipped, err := s.clipped(ctx)
	s.line("verified %d batches delivered, each in the store once; %d requests, of which all %d failed ones are in the totals or, %.0f of them, beyond what a client counts for",
		len(batches), s.crowd.requests.Load(), s.crowd.failures.Load(), clipped)
	return err
}

// compare returns an error if store and clients differ in batches or in failed requests. A window
// with a failure is always sent, so the store's total of failures must be exactly that of
// the applications.
func (s *stage) compare(ctx context.Context, delivered int, dropped uint64) error {
	stored, err := s.node.Store.Batches(ctx, s.began)
	if err != nil {
		return err
	}
	totals, err := s.node.Store.Totals(ctx, model.TotalsQuery{Since: s.began.Add(-time.Minute), By: model.DimensionsOf(model.ByOutcome)})
	if err != nil {
		return err
	}
	var failed float64
	for _, t := range totals {
		if failed += t.Failed; t.Key.Outcome.Failed() {
			// a long window's failures are in one bin, more than a place counts for
			failed += t.Clipped
		}
	}
	clipped, err := s.clipped(ctx)
	if err != nil {
		return err
	}
	switch seen := s.crowd.failures.Load(); {
	case dropped != 0:
		return fmt.Errorf("agents dropped %d records", dropped)
	case stored != uint64(delivered):
		return fmt.Errorf("agents delivered %d batches, the store has %d", delivered, stored)
	case math.Round(failed+clipped) != float64(seen):
		return fmt.Errorf("the applications saw %d failures, the store has %v and the detector left out %v", seen, failed, clipped)
	}
	return nil
}

// clippedMetric counts failed requests that are not stored because a client counts for ten usual
// ones at most, as one does that meets nothing but failures for a minute.
const clippedMetric = `heliograph_detector_clipped_requests_total{result="failed"} `

// clipped asks the detector how many failed requests it left out.
func (s *stage) clipped(ctx context.Context) (requests float64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.node.OperationsAddr+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("asking the detector for its metrics: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("asking the detector for its metrics: it answers %s", resp.Status)
	}
	lines := bufio.NewScanner(io.LimitReader(resp.Body, 4<<20))
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), clippedMetric); ok {
			return strconv.ParseFloat(text, 64)
		}
	}
	if err := lines.Err(); err != nil {
		return 0, fmt.Errorf("reading the detector's metrics: %w", err)
	}
	return 0, nil // no request was left out so far
}

// nothingElse returns an error if people were alerted of an incident that no fault explains. On a
// machine that is busy, requests fail that nobody made fail; what too few of them make is told as
// such on the page, and here.
func (s *stage) nothingElse(ctx context.Context) error {
	all, err := s.node.Store.Incidents(ctx, s.began)
	if err != nil {
		return err
	}
	for _, i := range all {
		switch {
		case s.expected[i.ID]:
		case i.Pages():
			return fmt.Errorf("flagged although nothing was wrong: %s", i.Title)
		default:
			s.line("NOTE     nobody was alerted of %s (%s)", i.Title, i.Verdict)
		}
	}
	return nil
}
