package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// A machine that is busy with other things makes fewer requests in a second. The script's times are
// therefore counted in requests, too: a time has passed when the clients have made almost as many
// as an idle machine makes in it, or after slowest times as long.
const slowest = 4

// usual is how many requests an idle machine makes at least.
func usual(d time.Duration) uint64 {
	return uint64(0.7 * clientsPerNetwork * float64(len(networks)) * float64(d) / float64(requestEvery))
}

// mark is a moment of the script.
type mark struct {
	at       time.Time
	requests uint64 // that the clients have made by then
}

func (s *stage) mark() mark { return mark{time.Now(), s.crowd.requests.Load()} }

// passed says whether a time has passed since a moment.
func (s *stage) passed(since mark, d time.Duration) bool {
	took, made := time.Since(since.at), s.crowd.requests.Load()-since.requests
	return took >= d && (made >= usual(d) || took >= slowest*d)
}

// pass reports whether a time passed before ctx ended.
func (s *stage) pass(ctx context.Context, d time.Duration) bool {
	for began := s.mark(); !s.passed(began, d); {
		if !sleep(ctx, 100*time.Millisecond) {
			return false
		}
	}
	return true
}

// await polls the store's open incidents until found returns one, or the time has passed.
func (s *stage) await(ctx context.Context, limit time.Duration, found func(open []model.Incident) *model.Incident) (*model.Incident, error) {
	for began := s.mark(); ; {
		open, err := s.openIncidents(ctx)
		if err != nil {
			return nil, err
		}
		if i := found(open); i != nil {
			return i, nil
		}
		if s.passed(began, limit) {
			return nil, fmt.Errorf("within %v; open incidents: %v", limit, titles(open))
		}
		if !sleep(ctx, 100*time.Millisecond) {
			return nil, ctx.Err()
		}
	}
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
