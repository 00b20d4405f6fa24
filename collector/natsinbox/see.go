package natsinbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/internal/natsjs"
)

// Look is what a look at a stream found.
type Look struct {
	Server string // that answered
	// Found says whether the stream is there. If it is not, Open makes it with Replicas replicas.
	Found           bool
	Replicas        int
	Bytes, MaxBytes int64
	// Doubt says why the stream may lose what it has acknowledged; "": it does not. Open refuses
	// such a stream, unless AssumeDurable is set.
	Doubt string
	// Hub is what is wrong with the hub's stream; nil: nothing, or there is no hub. Batches are
	// accepted all the same, and held.
	Hub error
	// HubDoubt says why the hub's stream may lose what it has; "": it does not, or Hub is not nil.
	HubDoubt string
}

// See connects, looks at the stream of o, and changes nothing. The error says what would keep
// [Open] from opening it.
func See(ctx context.Context, o Options) (l Look, err error) {
	if err := o.Validate(); err != nil {
		return l, err
	}
	o.fill()
	o.Logger = slog.New(slog.DiscardHandler)
	q := &Queue{o: o}
	if err := q.connect(); err != nil {
		return l, err
	}
	defer q.conn.Close()
	l.Server, l.Replicas, l.MaxBytes = q.conn.ConnectedServerName(), o.Replicas, o.MaxBytes
	stream, err := q.js.Stream(ctx, o.Stream)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
	case err != nil:
		return l, fmt.Errorf("stream %s: %w", o.Stream, natsjs.Advised(err))
	default:
		info := stream.CachedInfo()
		if fault := unfit(&info.Config, o.subject()); fault != "" {
			return l, fmt.Errorf("stream %s cannot hold batches: %s", o.Stream, fault)
		}
		l.Found, l.Replicas, l.Bytes = true, info.Config.Replicas, int64(info.State.Bytes)
	}
	if l.Replicas < manyReplicas {
		l.Doubt = q.doubt(ctx, l.Replicas)
	}
	if o.Hub != "" {
		l.HubDoubt, l.Hub = q.seeHub(ctx)
	}
	return l, nil
}

// seeHub looks at the hub's stream.
func (q *Queue) seeHub(ctx context.Context) (doubt string, err error) {
	ctx, cancel := context.WithTimeout(ctx, natsjs.CallTimeout)
	defer cancel()
	js, err := natsjs.InDomain(q.conn, q.o.HubDomain)
	if err != nil {
		return "", err
	}
	stream, err := js.Stream(ctx, q.o.Hub)
	if err != nil {
		return "", fmt.Errorf("stream %s of the hub: %w", q.o.Hub, natsjs.Advised(err))
	}
	if fault := unfitHub(&stream.CachedInfo().Config, q.o.Stream); fault != "" {
		return "", fmt.Errorf("stream %s of the hub: %s", q.o.Hub, fault)
	}
	if n := stream.CachedInfo().Config.Replicas; n < manyReplicas {
		doubt = fmt.Sprintf("stream %s of the hub has %d of %d replicas: what it has is deleted here, so its server must sync every write (sync_interval: always)",
			q.o.Hub, n, manyReplicas)
	}
	return doubt, nil
}

// unfitHub returns the setting by which a hub's stream would lose batches of a region's stream, or
// never have them; "" if there is none.
func unfitHub(c *jetstream.StreamConfig, source string) string {
	switch {
	case len(c.Subjects) > 0 || len(c.Sources) != 1 || c.Sources[0].Name != source:
		return fmt.Sprintf("it must have %s as its only source, and no subjects", source)
	case !c.AllowDirect:
		return "it does not allow direct gets, want allow_direct: true"
	}
	return losing(c)
}

// losing returns the setting by which a hub's stream would lose batches that its region deletes
// once it has them; "" if there is none.
func losing(c *jetstream.StreamConfig) string {
	switch {
	case c.Storage != jetstream.FileStorage:
		return "it is in memory, want storage: file"
	case c.Retention != jetstream.LimitsPolicy:
		return "its retention is not limits: messages would be deleted before all readers have them"
	case c.Discard != jetstream.DiscardNew:
		return "it discards old messages when it is full, want discard: new"
	case c.MaxMsgs > 0 || c.MaxMsgsPerSubject > 0:
		return "it limits the number of messages: batches would be deleted before all readers have them"
	}
	return ""
}
