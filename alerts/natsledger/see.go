package natsledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/internal/natsjs"
)

// Look is what a look at a ledger found.
type Look struct {
	Server string // that answered
	// Found says whether the bucket is there. If it is not, the first detector makes it with
	// Replicas replicas.
	Found    bool
	Bucket   string
	Replicas int
	Targets  uint64 // whose faults are in it
}

// See connects, looks at the bucket of o, and changes nothing. The error says what would keep a
// [Ledger] from being reached.
func See(ctx context.Context, o Options) (l Look, err error) {
	o.Logger = slog.New(slog.DiscardHandler)
	o.Metrics = nil
	ledger, err := New(o)
	if err != nil {
		return l, err
	}
	connection := ledger.o.connection()
	conn, js, err := connection.Connect("heliograph ledger of "+o.Member, ledger.log)
	if err != nil {
		return l, err
	}
	defer conn.Close()
	l.Server, l.Bucket, l.Replicas = conn.ConnectedServerName(), ledger.o.Bucket, ledger.o.Replicas
	bucket, err := js.KeyValue(ctx, l.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return l, nil
	}
	var status jetstream.KeyValueStatus
	if err == nil {
		status, err = bucket.Status(ctx)
	}
	if err != nil {
		return l, fmt.Errorf("bucket %s: %w", l.Bucket, natsjs.Advised(err))
	}
	l.Found, l.Targets = true, status.Values()
	if s, ok := status.(*jetstream.KeyValueBucketStatus); ok {
		l.Replicas = s.StreamInfo().Config.Replicas
	}
	return l, nil
}
