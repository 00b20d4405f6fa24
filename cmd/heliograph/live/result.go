package live

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Result says what became of a simulation's reports.
type Result struct {
	Seconds   float64 `json:"seconds"`           // that it took
	Simulated float64 `json:"simulated_seconds"` // that passed in the scenario
	Reports   uint64  `json:"reports"`           // that clients and probers had to send
	Requests  uint64  `json:"requests"`          // that are told in them
	Estimated uint64  `json:"estimated"`         // requests that they stand for
	Counters  uint64  `json:"counters"`          // by which they are told
	Delivered uint64  `json:"delivered"`         // with a verified receipt
	Bytes     uint64  `json:"bytes"`             // of the segments delivered
	// Refused are reports that a collector does not take, by the reason in its receipt.
	Refused map[string]uint64 `json:"refused,omitempty"`
	// GaveUp are reports that were offered in vain until the patience ended, or the simulation did.
	GaveUp     uint64 `json:"gave_up"`
	SlowDowns  uint64 `json:"slow_downs"` // answers that asked to come later
	Unanswered uint64 `json:"unanswered"` // attempts without a receipt
	// Failure is the last thing that went wrong, or "".
	Failure string `json:"failure,omitempty"`
}

// refused returns how many reports were refused.
func (r *Result) refused() (n uint64) {
	for _, count := range r.Refused {
		n += count
	}
	return n
}

// Lost returns how many reports no collector has.
func (r *Result) Lost() uint64 { return r.Reports - min(r.Delivered, r.Reports) }

// String says it in words.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d reports of %d requests in %.1f s, %.1f s of the scenario: %d delivered", r.Reports, r.Requests, r.Seconds, r.Simulated, r.Delivered)
	if r.Seconds > 0 {
		fmt.Fprintf(&b, " (%.0f a second)", float64(r.Delivered)/r.Seconds)
	}
	fmt.Fprintf(&b, ", %d refused", r.refused())
	if len(r.Refused) > 0 {
		var reasons []string
		for _, reason := range slices.Sorted(maps.Keys(r.Refused)) {
			reasons = append(reasons, fmt.Sprintf("%s %d", reason, r.Refused[reason]))
		}
		fmt.Fprintf(&b, " (%s)", strings.Join(reasons, ", "))
	}
	fmt.Fprintf(&b, ", %d given up; %d times asked to come later, %d attempts without a receipt", r.GaveUp, r.SlowDowns, r.Unanswered)
	if r.Failure != "" {
		fmt.Fprintf(&b, "; the last one: %s", r.Failure)
	}
	return b.String()
}

// counts is what is counted while a simulation runs. It is safe for concurrent use.
type counts struct {
	simulated atomic.Int64 // ms

	reports, requests, estimated, counters, bytes, delivered, gaveUp, slowDowns, unanswered atomic.Uint64

	mu           sync.Mutex // guards the following fields
	begun, ended time.Time
	refused      map[string]uint64
	failure      error
}

func (c *counts) begin() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun = time.Now()
	return c.begun
}

func (c *counts) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = time.Now()
}

// maxReasons bounds what a collector can make us remember.
const maxReasons = 64

func (c *counts) refuse(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused == nil {
		c.refused = map[string]uint64{}
	}
	if _, known := c.refused[reason]; !known && len(c.refused) >= maxReasons {
		reason = "other"
	}
	c.refused[reason]++
}

func (c *counts) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failure = err
}

// settle ends a batch's life. counter counts its fate; nil: it is counted already.
func (s *Simulation) settle(b *batch, counter *atomic.Uint64) {
	if counter != nil {
		counter.Add(1)
	}
	if b.waits {
		<-s.waiting
	}
	s.unsent.Done()
}

// Result returns what has become of the reports. It may be called during Run.
func (s *Simulation) Result() Result {
	c := &s.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	r := Result{Simulated: float64(c.simulated.Load()) / 1000, Reports: c.reports.Load(), Requests: c.requests.Load(), Estimated: c.estimated.Load(),
		Counters: c.counters.Load(), Delivered: c.delivered.Load(),
		Bytes: c.bytes.Load(), Refused: maps.Clone(c.refused), GaveUp: c.gaveUp.Load(), SlowDowns: c.slowDowns.Load(), Unanswered: c.unanswered.Load()}
	if !c.begun.IsZero() {
		end := c.ended
		if end.IsZero() {
			end = time.Now()
		}
		r.Seconds = end.Sub(c.begun).Seconds()
	}
	if c.failure != nil {
		r.Failure = strings.ReplaceAll(c.failure.Error(), "\n", "; ")
	}
	return r
}

// Progress says how far it has come. It may be called during Run.
func (s *Simulation) Progress() string {
	r := s.Result()
	if r.Seconds == 0 {
		return "bringing the users in; nothing is sent yet"
	}
	text := fmt.Sprintf("%v of %v simulated, %d reports delivered", time.Duration(r.Simulated)*time.Second, s.o.Scenario.Duration, r.Delivered)
	if n := len(s.waiting); n > 0 {
		text += fmt.Sprintf(", %d wait to be offered again", n)
	}
	if n := r.refused() + r.GaveUp; n > 0 {
		text += fmt.Sprintf(", %d refused or given up", n)
	}
	if by := s.lag.get(); by > time.Second {
		text += fmt.Sprintf(", %v behind", by.Round(time.Second))
	}
	if r.Failure != "" && r.Delivered == 0 {
		text += ": " + r.Failure
	}
	return text
}
