package agent

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// Transport carries segments to collectors and policies back. It must not go through anything that
// an agent observes. Methods are safe for concurrent use, return soon after ctx is done, and limit
// what they read.
type Transport interface {
	// Deliver uploads one segment (POST /v1/batches) with the encoded report.Delivery beside it.
	Deliver(ctx context.Context, c policy.Collector, id report.BatchID, delivery, segment []byte) Response

	// FetchPolicy asks for the signed policy (GET /v1/policy), unless it still is the one that
	// etag names.
	FetchPolicy(ctx context.Context, c policy.Collector, etag string) Response

	// Close lets go of idle connections. The agent calls it at Shutdown; another agent may go on
	// using the Transport.
	Close()
}

// Response is what became of one exchange with a collector. Nothing in it is to be believed before
// its signature was checked.
type Response struct {
	Outcome    report.Outcome // OK: an answer with a status below 400
	Status     uint16         // HTTP status, 0 without an answer
	Body       []byte         // at most receipt.MaxSize or policy.MaxSize bytes
	RetryAfter time.Duration  // what the answer asks for, 0: nothing
	ETag       string         // of a policy
	Err        error          // why there was no answer; nil with one
}
