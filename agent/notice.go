package agent

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// StateNotice is the state that holds deletion notices until they are delivered. It is the one blob
// that Spool.Purge leaves.
const StateNotice = "notice"

// of users who change their mind while no collector can be reached; the oldest go first
const maxNotices = 8

// notice is a sealed segment with a report.DeletionNotice in it.
type notice struct {
	Segment
	purged bool // the spool was purged after it was made
	body   []byte
}

const noticeHead = 1 + 16 + 8 + 4

// encodeNotices returns per notice whether it was purged in 1 byte, id, birth in Unix ms in 8,
// length in 4, body.
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

// decodeNotices reads as much as makes sense; what was damaged is not sent.
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

// notices are those that the spool has. It may be called with or without spoolMu.
func (a *Agent) notices() []notice {
	state, _ := a.o.Spool.State(StateNotice, func([]byte) []byte { return nil })
	return decodeNotices(state)
}

// forget deletes the spool. If anything had been sent it makes a deletion notice first, so that a
// crash at any instant leaves the notice, or leaves the tokens from which the next agent without
// consent makes it. The caller holds spoolMu.
func (a *Agent) forget() (err error) {
	defer func() { a.unpurged = err != nil }()
	list := a.prepareNotice()
	if err := a.o.Spool.Purge(); err != nil {
		return err
	}
	a.token, a.unsaved = client{}, nil
	clear(a.summaries)
	if !slices.ContainsFunc(list, func(n notice) bool { return !n.purged }) {
		return nil
	}
	for i := range list {
		list[i].purged = true
	}
	_, err = a.o.Spool.State(StateNotice, func([]byte) []byte { return encodeNotices(list) })
	return err
}

// interrupted reports whether an agent made a notice and ended before it had purged the spool.
func (a *Agent) interrupted() bool {
	return slices.ContainsFunc(a.notices(), func(n notice) bool { return !n.purged })
}

// prepareNotice puts a notice into the spool, if anything had been sent and there is none about it
// yet, and returns all that are there.
func (a *Agent) prepareNotice() []notice {
	list := a.notices()
	if slices.ContainsFunc(list, func(n notice) bool { return !n.purged }) {
		return list
	}
	tokens := a.sentTokens()
	if len(tokens) == 0 {
		return list
	}
	n, err := a.newNotice(tokens, time.Now())
	if err != nil {
		return list
	}
	list = append(list, n)
	list = list[max(len(list)-maxNotices, 0):]
	// forget tries again
	_, _ = a.o.Spool.State(StateNotice, func([]byte) []byte { return encodeNotices(list) })
	return list
}

// newNotice seals a notice. Its header tells neither client nor drops.
func (a *Agent) newNotice(tokens [][16]byte, now time.Time) (n notice, err error) {
	if n.ID, err = report.NewBatchID(now, a.o.Rand); err != nil {
		return n, err
	}
	sealer, err := seal.NewSealer(a.currentPolicy().seal, n.ID)
	if err != nil {
		return n, err
	}
	n.Birth, n.body = now, slices.Clone(sealer.Prefix())
	for _, r := range []report.Record{
		&report.Header{Source: report.SourceAgent, App: a.o.App, Version: a.o.Version, OS: a.o.OS, Consent: report.Counts},
		&report.DeletionNotice{Clients: tokens},
	} {
		record, err := report.AppendRecord(nil, r)
		if err != nil {
			return n, err
		}
		if n.body, err = sealer.Seal(n.body, record); err != nil {
			return n, err
		}
	}
	n.body = seal.AppendEnd(n.body)
	n.Size = int64(len(n.body))
	return n, nil
}

// deliverNotices uploads notices. It returns when to go on.
func (a *Agent) deliverNotices(ctx context.Context, p *checkedPolicy) (again time.Time) {
	for _, n := range a.notices() { // read again, for another agent may have delivered some
		c, answer, _ := a.offer(ctx, p, n.Segment, new(upload), n.body)
		if answer.verdict == none {
			return a.firstReady(p)
		}
		a.forgetNotice(n)
		a.settled(n.Segment, c, answer)
	}
	return time.Now().Add(idle)
}

// forgetNotice deletes a notice whose fate a receipt has decided. One that stays is delivered once
// more; its id tells that it is known.
func (a *Agent) forgetNotice(n notice) {
	_, _ = a.o.Spool.State(StateNotice, func(old []byte) []byte {
		list := decodeNotices(old)
		kept := slices.DeleteFunc(slices.Clone(list), func(other notice) bool { return other.ID == n.ID })
		if len(kept) == len(list) {
			return nil
		}
		return encodeNotices(kept)
	})
}
