package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// On a busy machine the clients make fewer requests per second. Therefore the times of the script
// are also counted in requests. A time has passed when the clients have made almost as many
// requests as they make in it on an idle machine, or when slowest times as long has passed.
const slowest = 4

// usual returns the least number of requests that the clients make in d on an idle machine.
func usual(d time.Duration) uint64 {
	return uint64(0.7 * clientsPerNetwork * float64(len(networks)) * float64(d) / float64(requestEvery))
}

// mark is a moment of the script.
type mark struct {
	at       time.Time
	requests uint64 // requests that the clients had made by then
}

func (s *stage) mark() mark { return mark{time.Now(), s.crowd.requests.Load()} }

// passed reports whether d has passed since a moment.
func (s *stage) passed(since mark, d time.Duration) bool {
	took, made := time.Since(since.at), s.crowd.requests.Load()-since.requests
	return took >= d && (made >= usual(d) || took >= slowest*d)
}

// pass waits until d has passed. It returns false if ctx ends before.
func (s *stage) pass(ctx context.Context, d time.Duration) bool {
	for began := s.mark(); !s.passed(began, d); {
		if !sleep(ctx, 100*time.Millisecond) {
			return false
		}
	}
	return true
}

// await polls the store's open incidents until found returns one, or limit has passed.
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

// sleep waits for d. It returns false if ctx ends before.
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
