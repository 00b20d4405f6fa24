package natsgroup

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

const (
	aliveEvery = 500 * time.Millisecond
	// silence is how long nothing comes from a member that is gone.
	silence = 2 * time.Second
	// patience is how long a member is waited for that is there, but does not bring its part.
	// slowFor is how long it is given no part after that.
	patience = 5 * time.Second
	slowFor  = 30 * time.Second
	// near is how far the positions of members in a feed may differ if they share its batches.
	near = 4096

	maxMembers = 64
	maxAlive   = 64 << 10 // bytes of a message
)

// alive is what a member says of itself every half second, and after each part of the batches
// that it has published.
type alive struct {
	Version int    `json:"v"`
	Life    string `json:"life"` // random; of this process
	// Feeds has the number of the last batch of which the member has published its part, by the
	// feed's name.
	Feeds map[string]uint64 `json:"feeds"`
}

const aliveVersion = 1

// peer is what is known of another member. Times are by this process's monotonic clock.
type peer struct {
	alive
	heard time.Time
	slow  time.Time // it is given no part until then
}

// members knows who is in the group. It is not safe for concurrent use.
type members struct {
	self  string
	life  string
	peers map[string]*peer // by member
	feeds map[string]uint64
}

func newMembers(self string) *members {
	return &members{self: self, life: rand.Text(), peers: map[string]*peer{}, feeds: map[string]uint64{}}
}

// errTwice says that another process has this member's name.
var errTwice = errors.New("another detector of the group has the same member")

// hear takes a message from a member. Those of other versions are counted as members, but not
// given any part.
func (m *members) hear(member string, text []byte, now time.Time) error {
	var a alive
	if len(text) > maxAlive || json.Unmarshal(text, &a) != nil || !name.MatchString(member) {
		return errPage
	}
	if member == m.self {
		if a.Life != m.life {
			return errTwice
		}
		return nil
	}
	if a.Version != aliveVersion {
		a.Feeds = nil
	}
	p := m.peers[member]
	if p == nil {
		if len(m.peers) >= maxMembers {
			m.there(now) // forgets those that are gone
		}
		if len(m.peers) >= maxMembers {
			return errPage
		}
		p = new(peer)
		m.peers[member] = p
	}
	p.alive, p.heard = a, now
	return nil
}

// say returns what this member says of itself.
func (m *members) say() []byte {
	text, err := json.Marshal(alive{Version: aliveVersion, Life: m.life, Feeds: m.feeds})
	if err != nil {
		panic(err) // there is nothing in it that cannot be encoded
	}
	return text
}

// there returns how many members are there, with this one, and forgets those that are not.
func (m *members) there(now time.Time) int {
	for id, p := range m.peers {
		if now.Sub(p.heard) > silence && now.After(p.slow) {
			delete(m.peers, id)
		}
	}
	n := 1
	for _, p := range m.peers {
		if now.Sub(p.heard) <= silence {
			n++
		}
	}
	return n
}

// sharers returns the members that share the batches of a feed near a number, sorted: this one, and
// those that are there and not slow and at about the same position.
func (m *members) sharers(feed string, seq uint64, now time.Time) []string {
	all := []string{m.self}
	for id, p := range m.peers {
		at, reads := p.Feeds[feed]
		if reads && now.Sub(p.heard) <= silence && now.After(p.slow) && max(at, seq)-min(at, seq) <= near {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}

// brings reports whether a member may still bring its part of the batches of a feed up to a
// number.
func (m *members) brings(member, feed string, seq uint64, now time.Time) bool {
	p := m.peers[member]
	return p != nil && now.Sub(p.heard) <= silence && p.Feeds[feed] < seq
}

// slow gives a member no part for a while.
func (m *members) slow(member string, now time.Time) {
	if p := m.peers[member]; p != nil {
		p.slow = now.Add(slowFor)
	}
}
