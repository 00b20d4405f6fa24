package natsgroup

import (
	"context"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

// Group is one member of a group. It is a [detector.Opener]. Its methods are safe for concurrent
// use.
type Group struct {
	o       Options
	log     *slog.Logger
	metrics *metrics
	publish func(kind string, message []byte) error // of this member; set by Run

	mu      sync.Mutex // guards the following
	members *members
	cache   cache
	ring    *seal.Keyring // of ciphers
	ciphers map[seal.KeyID]*keyed
	news    chan struct{} // closed and replaced when a message has come
	twice   bool          // another process has this member's name
}

var _ detector.Opener = (*Group)(nil)

// keyed is what the group derives from an opening key.
type keyed struct {
	pages  cipher.AEAD
	owners []byte // nobody without the key knows whose part a segment is
}

// New returns a Group. It does not connect: before [Group.Run], the member is alone.
func New(o Options) (*Group, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("group: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	g := &Group{o: o, log: o.Logger.With("group", o.ID, "member", o.Member), members: newMembers(o.Member), ciphers: map[seal.KeyID]*keyed{},
		news: make(chan struct{}), publish: func(string, []byte) error { return nil }}
	var err error
	if g.metrics, err = newMetrics(o.Metrics, g); err != nil {
		return nil, fmt.Errorf("group: registering metrics: %w", err)
	}
	return g, nil
}

// The kinds of messages.
const (
	kindAlive = "alive"
	kindPage  = "page"
)

// connectAgain is how long it takes until the first connection is tried again.
const connectAgain = time.Second

// Run takes part in the group until ctx ends, and returns nil. While no server can be reached, the
// member is alone.
func (g *Group) Run(ctx context.Context) error {
	connection := g.o.connection()
	var conn *nats.Conn
	for told := false; conn == nil; {
		var err error
		if conn, _, err = connection.Connect("heliograph detector "+g.o.Member+" of group "+g.o.ID, g.log); err == nil {
			break
		}
		if !told {
			told = true
			g.log.Warn("the group cannot be reached; this detector opens all batches itself until it can", "error", err)
		}
		select {
		case <-time.After(connectAgain):
		case <-ctx.Done():
			return nil
		}
	}
	defer conn.Close()
	return g.take(ctx, conn)
}

// take takes messages and says every half second that this member is there.
func (g *Group) take(ctx context.Context, conn *nats.Conn) error {
	all := g.o.subject("*", "*")
	// one subscription, so that a member's pages come before the word that they were sent
	if _, err := conn.Subscribe(all, func(m *nats.Msg) {
		parts := strings.Split(m.Subject, ".")
		g.hear(parts[len(parts)-2], parts[len(parts)-1], m.Data)
	}); err != nil {
		return fmt.Errorf("subscribing to %s: %w", all, err)
	}
	g.mu.Lock()
	g.publish = func(kind string, message []byte) error { return conn.Publish(g.o.subject(kind, g.o.Member), message) }
	g.mu.Unlock()
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	for {
		g.say()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// say says that this member is there, and how far it is.
func (g *Group) say() {
	g.mu.Lock()
	text, publish := g.members.say(), g.publish
	g.mu.Unlock()
	_ = publish(kindAlive, text) // without a connection, nobody waits for this member for long
}

// hear takes a message.
func (g *Group) hear(kind, member string, message []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.tell()
	var err error
	switch kind {
	case kindAlive:
		err = g.members.hear(member, message, time.Now())
		if errors.Is(err, errTwice) && !g.twice {
			g.twice = true
			g.log.Error("another detector has the same member: give each its own, or batches are opened twice")
		}
	case kindPage:
		if member != g.o.Member {
			err = g.keep(message)
		}
	}
	if err != nil {
		g.metrics.refused.Inc()
	}
}

// keep keeps what is in a page.
func (g *Group) keep(message []byte) error {
	id, err := pageKey(message)
	if err != nil {
		return err
	}
	k := g.ciphers[id]
	if k == nil { // none of its segments was read here
		return nil
	}
	entries, err := openPage(k.pages, message)
	for i := range entries {
		g.metrics.dropped.Add(float64(g.cache.put(entries[i])))
	}
	return err
}

// tell wakes who waits for news.
func (g *Group) tell() {
	close(g.news)
	g.news = make(chan struct{})
}

// keyed returns what the group derives from a key, or nil if the keyring does not have it.
func (g *Group) keyed(keys *seal.Keyring, id seal.KeyID) *keyed {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ring != keys { // a key may have been removed
		g.ring = keys
		clear(g.ciphers)
	}
	if k := g.ciphers[id]; k != nil {
		return k
	}
	c := pageCipher(keys, id)
	if c == nil {
		return nil
	}
	k := &keyed{c, keys.Secret(id, ownerPurpose)}
	g.ciphers[id] = k
	return k
}

const ownerPurpose = "group owners"

// owner returns whose part a segment is. Nobody without the key can make segments that are all
// one member's.
func (k *keyed) owner(of digest, sharers []string) string {
	sum := sha256.Sum256(append(k.owners[:len(k.owners):len(k.owners)], of[:]...))
	n := uint64(0)
	for _, b := range sum[:8] {
		n = n<<8 | uint64(b)
	}
	return sharers[n%uint64(len(sharers))]
}
