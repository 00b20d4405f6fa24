package agent

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/report"
)

// stateDrops is the name of the state with the losses that a process did not report before it
// ended, so that the next process can report them in a header. For each reason, it has the reason's
// length in 1 byte, the reason, and the count in 8 bytes, big-endian.
const stateDrops = "drops"

func encodeDrops(drops map[string]uint64) []byte {
	b := []byte{}
	for _, reason := range slices.Sorted(maps.Keys(drops)) {
		b = append(append(b, byte(len(reason))), reason...)
		b = binary.BigEndian.AppendUint64(b, drops[reason])
	}
	return b
}

// decodeDrops decodes as much as is valid in a header.
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

// leaveDrops stores the losses that were not reported for the next process. The caller holds mu and
// has consent.
func (s *spooler) leaveDrops() {
	s.collectDrops()
	left := s.recorder.unreportedAll()
	if len(left) == 0 {
		return
	}
	// there is nowhere else to store them if the disk fails
	_, _ = s.spool.State(stateDrops, func(old []byte) []byte {
		all := decodeDrops(old)
		addDrops(all, left)
		return encodeDrops(all)
	})
}

// takeDrops takes over the losses that an earlier process has stored. The caller holds mu and
// has consent.
func (s *spooler) takeDrops() {
	var left map[string]uint64
	_, err := s.spool.State(stateDrops, func(old []byte) []byte {
		if left = decodeDrops(old); len(old) == 0 {
			return nil
		}
		return []byte{}
	})
	if err == nil { // otherwise it stays for another process
		s.recorder.inherit(left)
	}
}

// collectDrops takes over the losses of the spool.
func (s *spooler) collectDrops() {
	for _, d := range s.spool.TakeDrops() {
		s.recorder.drop(d.Reason, d.Count)
	}
}
