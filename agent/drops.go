package agent

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/report"
)

// stateDrops is the state in which a process that ends leaves what it has not told of: of the
// short-lived, one drops a segment and the next has a header to say so. Per reason: its length in
// 1 byte, itself, the count in 8, big-endian.
const stateDrops = "drops"

func encodeDrops(drops map[string]uint64) []byte {
	b := []byte{}
	for _, reason := range slices.Sorted(maps.Keys(drops)) {
		b = append(append(b, byte(len(reason))), reason...)
		b = binary.BigEndian.AppendUint64(b, drops[reason])
	}
	return b
}

// decodeDrops reads as much as makes sense in a header.
func decodeDrops(b []byte) map[string]uint64 {
	drops := make(map[string]uint64)
	for len(b) > 0 && len(drops) < report.MaxDrops {
		n := int(b[0])
		if len(b) < 1+n+8 {
			break
		}
		reason, count := string(b[1:1+n]), binary.BigEndian.Uint64(b[1+n:])
		b = b[1+n+8:]
		if n > 0 && n <= report.MaxOutcome && strings.Trim(reason, "abcdefghijklmnopqrstuvwxyz_") == "" && count > 0 {
			drops[reason] = min(count, report.MaxCount)
		}
	}
	return drops
}

// addDrops adds more to drops, within what a counter holds.
func addDrops(drops, more map[string]uint64) {
	for reason, n := range more {
		drops[reason] = min(drops[reason]+n, report.MaxCount)
	}
}

// leaveDrops leaves to the next process what this one has not told of. The caller holds spoolMu and
// has consent.
func (a *Agent) leaveDrops() {
	a.collectDrops()
	a.mu.Lock()
	left := maps.Clone(a.drops)
	a.mu.Unlock()
	if len(left) == 0 {
		return
	}
	// a disk that takes nothing keeps nothing
	_, _ = a.o.Spool.State(stateDrops, func(old []byte) []byte {
		all := decodeDrops(old)
		addDrops(all, left)
		return encodeDrops(all)
	})
}

// takeDrops takes over what a process before this one has left. The caller holds spoolMu and
// has consent.
func (a *Agent) takeDrops() {
	var left map[string]uint64
	_, err := a.o.Spool.State(stateDrops, func(old []byte) []byte {
		if left = decodeDrops(old); len(old) == 0 {
			return nil
		}
		return []byte{}
	})
	if err != nil {
		return // it stays for another
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	addDrops(a.drops, left)
}

// collectDrops takes over what the spool had to drop.
func (a *Agent) collectDrops() {
	for _, d := range a.o.Spool.TakeDrops() {
		a.drop(d.Reason, d.Count)
	}
}

// drop counts n lost records, for Stats and for the next header.
func (a *Agent) drop(reason string, n uint64) {
	if n == 0 {
		return
	}
	a.mu.Lock()
	a.stats.Dropped[reason] += n
	a.drops[reason] += n
	a.mu.Unlock()
	a.emit(Event{Kind: EventDropped, Reason: reason, Count: n})
}

// unreported is what no header has told yet.
func (a *Agent) unreported() []report.Drop {
	a.mu.Lock()
	defer a.mu.Unlock()
	drops := make([]report.Drop, 0, len(a.drops))
	for reason, n := range a.drops {
		drops = append(drops, report.Drop{Reason: reason, Count: min(n, report.MaxCount)})
	}
	slices.SortFunc(drops, func(x, y report.Drop) int { return strings.Compare(x.Reason, y.Reason) })
	return drops[:min(len(drops), report.MaxDrops)]
}

// reported forgets what a durable header has told.
func (a *Agent) reported(drops []report.Drop) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range drops {
		if a.drops[d.Reason] -= d.Count; a.drops[d.Reason] == 0 {
			delete(a.drops, d.Reason)
		}
	}
}
