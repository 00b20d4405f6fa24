package roles

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/report"
)

// localInbox makes the inbox of this process's collector a feed of the detector.
type localInbox struct {
	collector.Inbox
	reader string
	// set once the first cursor was compared with the inbox as it was opened
	compared *atomic.Bool
}

// SameClock reports that the collector has the clock of this process.
func (localInbox) SameClock() bool { return true }

// localReader returns the name under which the detector of this process reads the inbox. It is that
// of the detector's feed key, so that the detector is the same reader whether it reads the inbox or
// a feed.
func localReader(c *Config) string {
	key, err := readKey(c.dir, c.Detector.FeedKey, keyfile.ParseSigningKey)
	if err != nil { // a detector that reads no feed does not need a key
		return "local"
	}
	return collector.ReaderName(key.Public().(ed25519.PublicKey))
}

// Ack acknowledges for the detector of this process.
func (l localInbox) Ack(ctx context.Context, upTo uint64) error {
	return l.Inbox.Ack(ctx, l.reader, upTo)
}

// restored reports, for the first cursor only, whether it is beyond what the inbox contained when
// this process opened it.
func (l localInbox) restored(after uint64) bool {
	i, ok := l.Inbox.(interface{ Incarnation() (string, uint64) })
	if !ok || l.compared == nil || l.compared.Swap(true) {
		return false
	}
	_, head := i.Incarnation()
	return after > head
}

// Read adapts the errors that a detector distinguishes.
func (l localInbox) Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error) {
	if l.restored(after) {
		return nil, fmt.Errorf("%w: the inbox was restored from an older copy", detector.ErrCursor)
	}
	batches, err := l.Inbox.Read(ctx, after, limit)
	if errors.Is(err, collector.ErrCursor) {
		err = fmt.Errorf("%w: %w", detector.ErrCursor, err)
	}
	return batches, err
}
