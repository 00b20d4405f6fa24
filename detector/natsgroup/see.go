package natsgroup

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// Look is what a look at a group found.
type Look struct {
	Server  string   // that answered
	Members []string // that are there, sorted
}

// kindCheck is a kind of messages that members pass over.
const kindCheck = "check"

// listenFor is how long a look listens for members, which speak every half second.
const listenFor = 3 * aliveEvery

// See connects, listens for the members that are there for a second or two, and changes nothing.
// The error says what would keep a member from taking part.
func See(ctx context.Context, o Options) (l Look, err error) {
	o.Logger, o.Metrics = slog.New(slog.DiscardHandler), nil
	if err := o.Validate(); err != nil {
		return l, err
	}
	connection := o.connection()
	conn, _, err := connection.Connect("heliograph detector "+o.Member+" of group "+o.ID, o.Logger)
	if err != nil {
		return l, err
	}
	defer conn.Close()
	l.Server = conn.ConnectedServerName()
	var mu sync.Mutex // guards what the client's goroutines note
	var refused error
	conn.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		mu.Lock()
		defer mu.Unlock()
		refused = err
	})
	there := map[string]bool{}
	all := o.subject("*", "*")
	if _, err := conn.Subscribe(all, func(m *nats.Msg) {
		parts := strings.Split(m.Subject, ".")
		if kind, member := parts[len(parts)-2], parts[len(parts)-1]; kind == kindAlive {
			mu.Lock()
			defer mu.Unlock()
			if len(there) < maxMembers && name.MatchString(member) {
				there[member] = true
			}
		}
	}); err != nil {
		return l, fmt.Errorf("subscribing to %s: %w", all, err)
	}
	if err := conn.Publish(o.subject(kindCheck, o.Member), nil); err != nil {
		return l, fmt.Errorf("publishing to %s: %w", o.subject(kindCheck, o.Member), err)
	}
	if err := conn.FlushTimeout(aliveEvery * 10); err != nil { // the server answers after it has refused
		return l, fmt.Errorf("the server does not answer: %w", err)
	}
	select {
	case <-time.After(listenFor):
	case <-ctx.Done():
		return l, ctx.Err()
	}
	mu.Lock()
	defer mu.Unlock()
	if refused != nil {
		return l, fmt.Errorf("%w: allow this user to publish and to subscribe to %s", refused, strings.TrimSuffix(all, "*.*")+">")
	}
	for member := range there {
		l.Members = append(l.Members, member)
	}
	slices.Sort(l.Members)
	return l, nil
}
