package agent

import (
	"encoding/binary"
	"io"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// stateTokens is the state in which the client tokens of past days are kept, for one purpose: a
// deletion notice must name those under which something was sent. Per token: day in 8 bytes,
// big-endian, 1 if something may have been sent in one, the token in 16.
const stateTokens = "tokens"

const (
	tokenSize = 8 + 1 + 16
	// tokens of days before are forgotten: detectors keep nothing by client for so long
	tokenDays = 31
)

// usedToken is a client token and whether something may have been sent under it.
type usedToken struct {
	client
	sent bool
}

func encodeTokens(list []usedToken) []byte {
	b := make([]byte, 0, len(list)*tokenSize)
	for _, t := range list {
		sent := byte(0)
		if t.sent {
			sent = 1
		}
		b = append(append(binary.BigEndian.AppendUint64(b, uint64(t.day)), sent), t.token[:]...)
	}
	return b
}

// decodeTokens reads as much as makes sense.
func decodeTokens(b []byte) (list []usedToken) {
	for ; len(b) >= tokenSize; b = b[tokenSize:] {
		t := usedToken{client: client{day: int64(binary.BigEndian.Uint64(b))}, sent: b[8] != 0}
		copy(t.token[:], b[9:])
		list = append(list, t)
	}
	return list
}

// tokens hands out the client tokens of an agent and keeps account of those that were used. The
// spooler's lock owns it.
type tokens struct {
	spool Spool
	rand  io.Reader
	today client
	// under whose tokens something was sent, which the spool could not note
	unsaved []client
}

// current returns the token of now's day. Should the spool not keep it, this agent counts as a
// client of its own.
func (t *tokens) current(now time.Time) client {
	day := utcDay(now)
	if t.today.day == day && t.today.token != [16]byte{} {
		return t.today
	}
	fresh := client{day: day}
	if _, err := io.ReadFull(t.rand, fresh.token[:]); err != nil {
		return client{day: day} // all zero: not told
	}
	t.today = fresh
	_, _ = t.spool.State(stateClient, func(old []byte) []byte {
		if kept, ok := decodeClient(old); ok && kept.day == day {
			t.today = kept
			return nil
		}
		return fresh.encode()
	})
	t.note(t.today)
	return t.today
}

// note remembers a day's token, without a mark.
func (t *tokens) note(c client) {
	// a spool that keeps nothing has nothing to send later, either
	_, _ = t.spool.State(stateTokens, func(old []byte) []byte {
		list := decodeTokens(old)
		if slices.ContainsFunc(list, func(t usedToken) bool { return t.client == c }) {
			return nil
		}
		list = slices.DeleteFunc(list, func(t usedToken) bool { return t.day < c.day-tokenDays })
		list = append(list, usedToken{client: c})
		return encodeTokens(list[max(len(list)-report.MaxClients, 0):])
	})
}

// mark notes that something may have been sent under the token of a day. It reports whether the
// mark is new.
func (t *tokens) mark(day int64) (fresh bool) {
	fresh, known, err := t.set(day, true)
	if (err != nil || !known) && t.today.day == day && !slices.Contains(t.unsaved, t.today) {
		// a disk that takes nothing keeps neither us from delivering nor the user from revoking
		t.unsaved = append(t.unsaved, t.today)
	}
	return fresh
}

// unmark takes a mark back. One that stays costs a notice about nothing.
func (t *tokens) unmark(day int64) { _, _, _ = t.set(day, false) }

// set reports whether it has changed a mark, and whether there is a token of that day.
func (t *tokens) set(day int64, sent bool) (changed, known bool, err error) {
	_, err = t.spool.State(stateTokens, func(old []byte) []byte {
		changed, known = false, false
		list := decodeTokens(old)
		for i := range list {
			known = known || list[i].day == day
			if list[i].day == day && list[i].sent != sent {
				list[i].sent = sent
				changed = true
			}
		}
		if !changed {
			return nil
		}
		return encodeTokens(list)
	})
	return changed, known, err
}

// sent are the tokens under which something may have been sent, sorted, none twice.
func (t *tokens) sent() [][16]byte {
	var all [][16]byte
	state, _ := t.spool.State(stateTokens, func([]byte) []byte { return nil })
	for _, used := range decodeTokens(state) {
		if used.sent && used.token != [16]byte{} {
			all = append(all, used.token)
		}
	}
	for _, c := range t.unsaved {
		all = append(all, c.token)
	}
	all = all[max(len(all)-report.MaxClients, 0):]
	slices.SortFunc(all, func(x, y [16]byte) int { return slices.Compare(x[:], y[:]) })
	return slices.Compact(all)
}

// forget forgets the tokens, once the spool is deleted.
func (t *tokens) forget() { t.today, t.unsaved = client{}, nil }
