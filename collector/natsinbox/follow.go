package natsinbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/internal/natsjs"
)

const (
	natsReader = "nats/" // before the name of a reader of Options.Readers
	hubReader  = "hub/"  // before the name of the hub's stream
	// sourceHeader is where a server says from which stream a message was sourced, and its number
	// there.
	sourceHeader = "Nats-Stream-Source"
)

// followed returns the names of the readers that do not acknowledge by Ack.
func (o *Options) followed() (names []string) {
	for _, name := range o.Readers {
		names = append(names, natsReader+name)
	}
	if o.Hub != "" {
		names = append(names, hubReader+o.Hub)
	}
	return names
}

// follow notes what the readers have that acknowledge in NATS. A hub that cannot be reached has
// what it had.
func (q *Queue) follow(ctx context.Context) error {
	for _, name := range q.o.Readers {
		entry, err := q.bucket.Get(ctx, natsjs.AckKey(name))
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading bucket %s: %w", q.o.bucket(), natsjs.Named(err))
		}
		seq, err := strconv.ParseUint(string(entry.Value()), 10, 64)
		if err != nil {
			return fmt.Errorf("bucket %s: reader %s acknowledges %q, which is no number", q.o.bucket(), name, entry.Value())
		}
		if err := q.Ack(ctx, natsReader+name, seq); err != nil {
			return fmt.Errorf("acknowledgement of reader %s: %w", name, err)
		}
	}
	if q.o.Hub == "" {
		return nil
	}
	seq, err := q.atHub(ctx)
	if err != nil {
		q.o.Logger.Warn("cannot ask which batches the hub has; they are held", "hub", q.o.Hub, "error", err)
		return nil
	}
	if seq == 0 {
		return nil
	}
	return q.Ack(ctx, hubReader+q.o.Hub, seq)
}

// atHub returns the number that the newest batch at the hub has here; 0 if there is none.
func (q *Queue) atHub(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, natsjs.CallTimeout)
	defer cancel()
	js, err := natsjs.InDomain(q.conn, q.o.HubDomain)
	if err != nil {
		return 0, err
	}
	stream, err := js.Stream(ctx, q.o.Hub)
	if err != nil {
		return 0, err
	}
	newest, err := stream.GetLastMsgForSubject(ctx, q.o.subject())
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	words := strings.Fields(newest.Header.Get(sourceHeader))
	if len(words) < 2 {
		return 0, fmt.Errorf("stream %s has batches that it did not source: it must have sources and no subjects", q.o.Hub)
	}
	return strconv.ParseUint(words[1], 10, 64)
}
