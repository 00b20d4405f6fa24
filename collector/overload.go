package collector

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/privacy/receipt"
)

// queueDelay decides by the delay of the commit queue whether an upload is taken, as CoDel does
// (RFC 8289): a queue that empties within the interval is good and may be long; one that has stood
// for longer only adds delay, so that it is cut down to the target. Uploads are judged before their
// bodies are read. The zero value, with an interval, is ready.
type queueDelay struct {
	// the longest acceptable delay; a tenth of it is the target for a queue that stands
	interval time.Duration

	// when the oldest upload of the round that is being committed was queued, Unix ns; 0: none is
	began atomic.Int64
	// since when every round has left uploads waiting, Unix ns; 0: the last one has not
	standing atomic.Int64
}

const targetPart = 10

// round begins a round: oldest is when its first upload was queued, left is how many find no
// place in it.
func (q *queueDelay) round(now, oldest time.Time, left int) {
	q.began.Store(oldest.UnixNano())
	switch {
	case left == 0:
		q.standing.Store(0)
	case q.standing.Load() == 0:
		q.standing.Store(now.UnixNano())
	}
}

// done ends a round.
func (q *queueDelay) done() { q.began.Store(0) }

// admits says whether the delay allows one more upload.
func (q *queueDelay) admits(now time.Time) bool {
	began, limit := q.began.Load(), q.interval
	if began == 0 {
		return true
	}
	if since := q.standing.Load(); since != 0 && now.UnixNano()-since >= int64(q.interval) {
		limit /= targetPart
	}
	return now.UnixNano()-began <= int64(limit)
}

// pressure measures how many uploads are shed for each one that is taken, over the last few
// seconds. The zero value is ready.
type pressure struct {
	mu          sync.Mutex
	second      int64   // owned by mu; Unix time of the last decay
	shed, taken float64 // owned by mu; sums that halve every second
}

// maxPressure bounds the delay that agents are asked for.
const maxPressure = 24

// note counts an upload that was taken or shed and returns the ratio, 1 to maxPressure.
func (p *pressure) note(now time.Time, taken bool) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := now.Unix(); s != p.second {
		for n := min(s-p.second, 64); n > 0; n-- {
			p.shed, p.taken = p.shed/2, p.taken/2
		}
		p.second = s
	}
	if taken {
		p.taken++
	} else {
		p.shed++
	}
	return min(max(1, p.shed/max(1, p.taken)), maxPressure)
}

// Causes for which an upload is shed before its body is read: the values of a metric's label.
const (
	shedCount       = "count"        // MaxUploads are in flight
	shedDelay       = "queue_delay"  // the commit queue is too slow
	shedMemory      = "memory"       // MaxBodyBytes are in use
	shedNetwork     = "network"      // its network sends too much
	shedNewNetworks = "new_networks" // too many networks that were not seen before
)

// shed is why an upload is not taken now, and for how long it should stay away.
type shed struct {
	reason string // for a receipt
	delay  time.Duration
}

// Error implements error.
func (s *shed) Error() string { return "come later: " + s.reason }

// shedder says for how long uploads that are not taken should stay away.
type shedder struct {
	least  time.Duration
	causes *prometheus.CounterVec
}

// overload counts. The more uploads are shed for each one that is taken, the longer they are sent
// away: so those who come back are about as many as can be taken, and, spread over twice the delay,
// they do not come back at once.
func (s *shedder) overload(cause string, ratio float64) *shed {
	s.causes.WithLabelValues(cause).Inc()
	return &shed{receipt.ReasonOverload, spread(time.Duration(float64(s.least) * ratio))}
}

// unavailable is for no fault of those who send.
func (s *shedder) unavailable() *shed {
	return &shed{receipt.ReasonUnavailable, spread(s.least)}
}

// spread is a random delay from d to twice d, at most maxSlowDown.
func spread(d time.Duration) time.Duration { return min(d+rand.N(d), maxSlowDown) }
