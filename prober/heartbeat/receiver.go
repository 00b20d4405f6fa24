package heartbeat

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
)

// Limits and defaults.
const (
	MaxRacks           = 10_000
	DefaultSilentAfter = time.Minute

	maxFaults = 10 // in one error
)

// Rack is a group of servers of which one sender tells.
type Rack struct {
	Name    string            // 1 to 255 bytes; unique
	Key     ed25519.PublicKey // verifies its beats; racks may share one
	Servers int               // how many it has

	// SilentAfter is how long after its last beat the rack is dead. 0: DefaultSilentAfter.
	SilentAfter time.Duration
}

// Receiver takes beats. It is safe for concurrent use.
type Receiver struct {
	vantage string

	mu      sync.Mutex // guards the fields below
	started time.Time
	racks   map[string]*rack
	keys    []ed25519.PublicKey
	heard   time.Time // when any rack was heard last
}

// rack is what is known of a rack.
type rack struct {
	Rack
	number uint64          // of its last beat
	heard  time.Time       // when that came; zero: none has
	since  time.Time       // when the rack was added
	up     *heatmap.Bitset // what it said; nil: nothing
}

// NewReceiver returns a receiver for the vantage with the given id, which senders sign. Racks are
// set by [Receiver.Reload].
func NewReceiver(vantage string) *Receiver {
	return &Receiver{vantage: vantage, started: time.Now(), racks: map[string]*rack{}}
}

// Reload replaces the racks. Those that stay keep what they said. With an error, which names the
// racks at fault, the old ones stay.
func (r *Receiver) Reload(racks []Rack) error {
	if len(racks) > MaxRacks {
		return fmt.Errorf("heartbeats: %d racks, at most %d", len(racks), MaxRacks)
	}
	if err := validate(racks); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.racks
	r.racks, r.keys = make(map[string]*rack, len(racks)), nil
	known := map[string]bool{}
	for _, one := range racks {
		if one.SilentAfter == 0 {
			one.SilentAfter = DefaultSilentAfter
		}
		next := &rack{Rack: one, since: time.Now()}
		if old := before[one.Name]; old != nil && old.Servers == one.Servers && old.Key.Equal(one.Key) {
			next.number, next.heard, next.since, next.up = old.number, old.heard, old.since, old.up
		}
		r.racks[one.Name] = next
		if key := string(one.Key); !known[key] {
			known[key] = true
			r.keys = append(r.keys, one.Key)
		}
	}
	return nil
}

func validate(racks []Rack) error {
	var faults []error
	seen, servers := map[string]bool{}, 0
	for i := range racks {
		one := &racks[i]
		servers += max(one.Servers, 0)
		var err error
		switch {
		case len(one.Name) == 0 || len(one.Name) > maxName:
			err = fmt.Errorf("its name must have 1 to %d bytes", maxName)
		case seen[one.Name]:
			err = errors.New("is listed twice")
		case len(one.Key) != ed25519.PublicKeySize:
			err = errors.New("has no key")
		case one.Servers < 1:
			err = errors.New("has no servers")
		case one.SilentAfter < 0:
			err = errors.New("silent_after must be positive")
		}
		if seen[one.Name] = true; err != nil && len(faults) < maxFaults {
			faults = append(faults, fmt.Errorf("heartbeats: rack %q: %w", one.Name, err))
		}
	}
	if servers > heatmap.MaxServers {
		faults = append(faults, fmt.Errorf("heartbeats: %d servers, at most %d", servers, heatmap.MaxServers))
	}
	return errors.Join(faults...)
}

// errors of take, by which the handler answers.
var (
	errNoRack = errors.New("no such rack, or the key is another's")
	errSize   = errors.New("the rack has another number of servers here")
	errReplay = errors.New("not newer than the last heartbeat of the rack, or than this prober's start; is the clock right?")
)

// take takes a beat that signer has signed.
func (r *Receiver) take(b *Beat, signer ed25519.PublicKey, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.racks[b.Rack]
	switch {
	case one == nil || !one.Key.Equal(signer):
		return errNoRack
	case b.Up.Len() != one.Servers:
		return errSize
	// What was sent before this process started may come a second time, for nobody remembers it.
	case b.Number <= one.number || b.Number < uint64(max(r.started.UnixMilli(), 0)):
		return errReplay
	case b.Number > uint64(now.Add(maxSkew).UnixMilli()):
		return errReplay // it would keep out all that come after it
	}
	one.number, one.heard, one.up = b.Number, now, b.Up
	r.heard = now
	return nil
}

// condition is what the receiver knows of a server.
type condition int

const (
	unheard condition = iota // the rack may still be heard in time
	alone                    // no rack is heard: the receiver may be cut off
	silent                   // the rack is dead
	down                     // the rack says so
	up
)

// look returns the condition of a server, and when its rack was heard last.
func (r *Receiver) look(name string, server int, now time.Time) (condition, time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.racks[name]
	switch {
	case one == nil:
		return unheard, time.Time{}
	case !one.heard.IsZero() && now.Sub(one.heard) <= one.SilentAfter:
		if one.up.Get(server) {
			return up, one.heard
		}
		return down, one.heard
	case now.Sub(one.since) <= one.SilentAfter:
		return unheard, one.heard
	case len(r.racks) > 1 && now.Sub(r.heard) > one.SilentAfter:
		return alone, one.heard
	}
	return silent, one.heard
}
