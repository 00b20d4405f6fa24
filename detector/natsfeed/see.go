package natsfeed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/internal/natsjs"
)

// Look is what a look at a feed's stream found.
type Look struct {
	Server string // that answered
	Stream string
	// Batches is how many the stream has, also those that were read, in so many Bytes.
	Batches uint64
	Bytes   int64
}

// See connects, looks at the stream of o, reads a batch of it, and changes nothing. The error says
// what would keep a [Feed] from reading or acknowledging.
func See(ctx context.Context, o Options) (l Look, err error) {
	o.Logger = slog.New(slog.DiscardHandler)
	f, err := New(o)
	if err != nil {
		return l, err
	}
	js, err := f.connected()
	if err != nil {
		return l, err
	}
	defer f.CloseIdleConnections()
	l.Server, l.Stream = f.conn.ConnectedServerName(), f.o.Stream
	stream, err := js.Stream(ctx, f.o.Stream)
	if err != nil {
		return l, fmt.Errorf("stream %s: %w", f.o.Stream, natsjs.Advised(err))
	}
	info := stream.CachedInfo()
	l.Batches, l.Bytes = info.State.Msgs, int64(info.State.Bytes)
	if fault := f.o.unfit(&info.Config); fault != "" {
		return l, fmt.Errorf("stream %s: %s", f.o.Stream, fault)
	}
	if _, _, err := natsjs.Read(ctx, js, f.o.Stream, natsjs.Subject(f.o.Source), 0, 1); err != nil {
		return l, fmt.Errorf("may this user read (publish to $JS.API.DIRECT.GET.%s)? %w", f.o.Stream, err)
	}
	if !f.o.own() {
		return l, nil
	}
	bucket := natsjs.Bucket(f.o.Source)
	if _, err := js.KeyValue(ctx, bucket); errors.Is(err, jetstream.ErrBucketNotFound) {
		return l, fmt.Errorf("bucket %s is not there: the collector that writes to the stream makes it", bucket)
	} else if err != nil {
		return l, fmt.Errorf("bucket %s: %w", bucket, natsjs.Advised(err))
	}
	return l, nil
}

// unfit returns why the stream does not bring the collector's batches; "" if it does.
func (o *Options) unfit(c *jetstream.StreamConfig) string {
	sources := func(s *jetstream.StreamSource) bool { return s.Name == o.Source }
	switch {
	case !c.AllowDirect:
		return "it does not allow direct gets, want allow_direct: true"
	case o.own() && !slices.Contains(c.Subjects, natsjs.Subject(o.Source)):
		return fmt.Sprintf("its subjects are %q, not %s: it is not the stream of a collector", c.Subjects, natsjs.Subject(o.Source))
	case !o.own() && !slices.ContainsFunc(c.Sources, sources):
		return fmt.Sprintf("it does not source from %s", o.Source)
	}
	return ""
}
