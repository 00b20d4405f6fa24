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

// leaveDrops leaves to the next process what this one has not told of. The caller holds mu and has
// consent.
func (s *spooler) leaveDrops() {
	s.collectDrops()
	left := s.recorder.unreportedAll()
	if len(left) == 0 {
		return
	}
	// a disk that takes nothing keeps nothing
	_, _ = s.spool.State(stateDrops, func(old []byte) []byte {
		all := decodeDrops(old)
		addDrops(all, left)
		return encodeDrops(all)
	})
}

// takeDrops takes over what a process before this one has left. The caller holds mu and
// has consent.
func (s *spooler) takeDrops() {
	var left map[string]uint64
	_, err := s.spool.State(stateDrops, func(old []byte) []byte {
		if left = decodeDrops(old); len(old) == 0 {
			return nil
		}
		return []byte{}
	})
	if err == nil { // else it stays for another
		s.recorder.inherit(left)
	}
}

// collectDrops takes over what the spool had to drop.
func (s *spooler) collectDrops() {
	for _, d := range s.spool.TakeDrops() {
		s.recorder.drop(d.Reason, d.Count)
	}
}
