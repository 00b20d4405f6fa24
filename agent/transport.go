package agent

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// Transport uploads segments to collectors and fetches policies. It must not use a client that an
// agent observes. Its methods must be safe for concurrent use, return soon after ctx ends, and
// limit what they read.
type Transport interface {
	// Deliver uploads one segment (POST /v1/batches) and the encoded [report.Delivery].
	Deliver(ctx context.Context, c policy.Collector, id report.BatchID, delivery, segment []byte) Response

	// FetchPolicy fetches the signed policy (GET /v1/policy), unless it still has that ETag.
	FetchPolicy(ctx context.Context, c policy.Collector, etag string) Response

	// Close closes idle connections. The agent calls it in Shutdown. Other agents may continue to
	// use the Transport.
	Close()
}

// Response is the result of one exchange with a collector. Its contents must not be trusted before
// the signature is checked.
type Response struct {
	Outcome    report.Outcome // OK: an answer with a status below 400
	Status     uint16         // HTTP status, 0 without an answer
	Body       []byte         // at most receipt.MaxSize or policy.MaxSize bytes
	RetryAfter time.Duration  // what the answer asks for, 0: nothing
	ETag       string         // of a policy
	Err        error          // why there was no answer; nil if there was one
}
