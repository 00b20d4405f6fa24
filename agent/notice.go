package agent

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// StateNotice is the name of the state that holds deletion notices until they are delivered. It is
// the only state that [Spool.Purge] keeps.
const StateNotice = "notice"

// for users who change their mind repeatedly while no collector can be reached; the oldest are
// dropped first
const maxNotices = 8

// notice is a sealed segment with a [report.DeletionNotice].
type notice struct {
	Segment
	purged bool // the spool was purged after it was made
	body   []byte
}

const noticeHead = 1 + 16 + 8 + 4

// encodeNotices encodes each notice as purged in 1 byte, the id, the birth in Unix ms in 8 bytes,
// the body's length in 4 bytes, and the body.
func encodeNotices(list []notice) []byte {
	b := []byte{}
	for _, n := range list {
		purged := byte(0)
		if n.purged {
			purged = 1
		}
		b = append(append(b, purged), n.ID[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(n.Birth.UnixMilli()))
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(n.body))), n.body...)
	}
	return b
}

// decodeNotices decodes as much as is valid. Damaged notices are not sent.
func decodeNotices(b []byte) (list []notice) {
	for len(b) >= noticeHead && len(list) < maxNotices {
		n := notice{purged: b[0] != 0}
		copy(n.ID[:], b[1:])
		n.Birth = time.UnixMilli(int64(binary.BigEndian.Uint64(b[17:])))
		size := binary.BigEndian.Uint32(b[25:])
		if b = b[noticeHead:]; size > seal.MaxSegment || uint64(size) > uint64(len(b)) {
			break
		}
		n.body, b = b[:size:size], b[size:]
		if info, err := seal.ParseSegment(n.body); err == nil && info.ID == n.ID {
			n.Size = int64(size)
			list = append(list, n)
		}
	}
	return list
}

// notices are the deletion notices in a spool.
type notices struct{ spool Spool }

// list returns them, the oldest first. It needs no lock.
func (n notices) list() []notice {
	state, _ := n.spool.State(StateNotice, func([]byte) []byte { return nil })
	return decodeNotices(state)
}

// keep replaces all notices by the latest maxNotices of list.
func (n notices) keep(list []notice) error {
	list = list[max(len(list)-maxNotices, 0):]
	_, err := n.spool.State(StateNotice, func([]byte) []byte { return encodeNotices(list) })
	return err
}

// remove deletes a notice for which there is a final receipt. If that fails, it is delivered again
// and recognized by its id.
func (n notices) remove(id report.BatchID) {
	_, _ = n.spool.State(StateNotice, func(old []byte) []byte {
		list := decodeNotices(old)
		kept := slices.DeleteFunc(slices.Clone(list), func(other notice) bool { return other.ID == id })
		if len(kept) == len(list) {
			return nil
		}
		return encodeNotices(kept)
	})
}

// unfinished reports whether list has a notice whose spool has not been deleted yet.
func unfinished(list []notice) bool {
	return slices.ContainsFunc(list, func(n notice) bool { return !n.purged })
}
