package collector

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/privacy/receipt"
)

// queueDelay decides by the delay of the commit queue whether an upload is accepted, like CoDel
// (RFC 8289). A queue that empties within the interval is good and may be long. A queue that has
// not emptied for longer only adds delay, so its delay is limited to the target. Uploads are judged
// before their bodies are read. The zero value with an interval is ready to use.
type queueDelay struct {
	// the longest acceptable delay; a tenth of it is the target for a queue that does not empty
	interval time.Duration

	// when the oldest upload in the current round was queued, Unix ns; 0: there is no round
	began atomic.Int64
	// since when every round has left uploads waiting, Unix ns; 0: the last round left none
	standing atomic.Int64
}

const targetPart = 10

// round begins a round. oldest is when its first upload was queued, and left is how many uploads
// wait for the next round.
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

// admits reports whether the delay allows another upload.
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

// pressure measures how many uploads are shed for each accepted one, over the last few seconds. The
// zero value is ready to use.
type pressure struct {
	mu          sync.Mutex
	second      int64   // guarded by mu; Unix time of the last decay
	shed, taken float64 // guarded by mu; sums that are halved every second
}

// maxPressure limits by how much pressure multiplies the delay that agents are asked for.
const maxPressure = 24

// note counts an accepted or shed upload and returns the ratio, 1 to maxPressure.
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

// The reasons to shed an upload before its body is read, which are values of a metric's label.
const (
	shedCount       = "count"        // MaxUploads are in flight
	shedDelay       = "queue_delay"  // the commit queue is too slow
	shedMemory      = "memory"       // MaxBodyBytes are in use
	shedNetwork     = "network"      // its network sends too much
	shedNewNetworks = "new_networks" // too many new networks
	shedBacklog     = "backlog"      // detectors do not take what is stored
)

// shed is the error for an upload that is not accepted now. It says for how long the client
// should wait.
type shed struct {
	reason string // for a receipt
	delay  time.Duration
}

// Error implements error.
func (s *shed) Error() string { return "come later: " + s.reason }

// shedder decides for how long clients whose uploads are shed should wait.
type shedder struct {
	least  time.Duration
	causes *prometheus.CounterVec
}

// overload counts an upload that is shed for a cause. The more uploads are shed for each accepted
// one, the longer the delay. So about as many clients come back as can be served. The delays are
// spread over a factor of two, so that clients do not come back all at once.
func (s *shedder) overload(cause string, ratio float64) *shed {
	s.causes.WithLabelValues(cause).Inc()
	return &shed{receipt.ReasonOverload, spread(time.Duration(float64(s.least) * ratio))}
}

// unavailable returns the delay for a fault that is not the clients'.
func (s *shedder) unavailable() *shed {
	return &shed{receipt.ReasonUnavailable, spread(s.least)}
}

// spread returns a random delay from d to twice d, at most maxSlowDown.
func spread(d time.Duration) time.Duration { return min(d+rand.N(d), maxSlowDown) }
