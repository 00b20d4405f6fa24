package agent

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// stateTokens is the name of the state with the client tokens of past days. They are stored only
// because a deletion notice must name those under which something was sent. Each token is encoded
// as its day in 8 bytes, big-endian, a byte that is 1 if something may have been sent, and the
// token in 16 bytes.
const stateTokens = "tokens"

const (
	tokenSize = 8 + 1 + 16
	// older tokens are deleted, because detectors store nothing by client for so long
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

// decodeTokens decodes as much as is valid.
func decodeTokens(b []byte) (list []usedToken) {
	for ; len(b) >= tokenSize; b = b[tokenSize:] {
		t := usedToken{client: client{day: int64(binary.BigEndian.Uint64(b))}, sent: b[8] != 0}
		copy(t.token[:], b[9:])
		list = append(list, t)
	}
	return list
}

// tokens has the client tokens of an agent and records which ones were used. The spooler's lock
// guards it.
type tokens struct {
	spool Spool
	rand  io.Reader
	today client
	// tokens under which something was sent, which the spool could not record
	unsaved []client
}

// current returns the token of the present day. If the spool cannot store it, this agent counts as
// a separate client.
func (t *tokens) current(now time.Time) client {
	day := utcDay(now)
	if t.today.day == day && t.today.token != [16]byte{} {
		return t.today
	}
	fresh := client{day: day}
	if _, err := io.ReadFull(t.rand, fresh.token[:]); err != nil {
		return client{day: day} // all zero: none
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

// note records a day's token without a mark.
func (t *tokens) note(c client) {
	// a spool that cannot store the token has no segments to send later either
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

// mark records that something may have been sent under the token of a day. It reports whether the
// mark is new.
func (t *tokens) mark(day int64) (fresh bool) {
	fresh, known, err := t.set(day, true)
	if (err != nil || !known) && t.today.day == day && !slices.Contains(t.unsaved, t.today) {
		// if the disk fails, reports can still be delivered and consent can still be withdrawn
		t.unsaved = append(t.unsaved, t.today)
	}
	return fresh
}

// unmark removes a mark. If that fails, a needless notice is sent later.
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

// sent returns the tokens under which something may have been sent, sorted and without duplicates.
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
	// a few loops cost a web page less than another instance of slices.SortFunc
	for i := range all {
		for ; i > 0 && bytes.Compare(all[i][:], all[i-1][:]) < 0; i-- {
			all[i], all[i-1] = all[i-1], all[i]
		}
	}
	return slices.Compact(all)
}

// forget removes the tokens after the spool was deleted.
func (t *tokens) forget() { t.today, t.unsaved = client{}, nil }
