package detector

import (
	"context"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// Opener opens the batches of feeds. It may share the work with other detectors that read the same
// batches.
type Opener interface {
	// Open returns, for each batch, what keys.Open returns for its segment. The batches are of one
	// read of a feed, in order. Feeds call it concurrently. If ctx ends, it returns at once, and
	// the result is not used.
	Open(ctx context.Context, feed string, keys *seal.Keyring, batches []*report.Envelope) []Opening
}

// Opening is the result of [seal.Keyring.Open].
type Opening struct {
	Info    seal.SegmentInfo
	Records [][]byte
	Err     error
}

// openShared has the Opener open the batches that need not wait. Without one, it returns nothing.
func (in *intake) openShared(ctx context.Context, envelopes []report.Envelope, waits []bool) ([]Opening, error) {
	if in.d.o.Opener == nil {
		return nil, nil
	}
	all := make([]Opening, len(envelopes))
	var batches []*report.Envelope
	var at []int // their indexes
	for i := range envelopes {
		if !waits[i] && !foreign(in.feed, &envelopes[i]) {
			batches, at = append(batches, &envelopes[i]), append(at, i)
		}
	}
	if len(batches) == 0 {
		return all, nil
	}
	opened := in.d.o.Opener.Open(ctx, in.name, in.opener.keys, batches)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for n, i := range at {
		all[i] = opened[n]
	}
	return all, nil
}
