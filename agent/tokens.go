package agent

import (
	"encoding/binary"
	"slices"

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

// noteToken remembers a day's token, without a mark. The caller holds spoolMu.
func (a *Agent) noteToken(c client) {
	// a spool that keeps nothing has nothing to send later, either
	_, _ = a.o.Spool.State(stateTokens, func(old []byte) []byte {
		list := decodeTokens(old)
		if slices.ContainsFunc(list, func(t usedToken) bool { return t.client == c }) {
			return nil
		}
		list = slices.DeleteFunc(list, func(t usedToken) bool { return t.day < c.day-tokenDays })
		list = append(list, usedToken{client: c})
		return encodeTokens(list[max(len(list)-report.MaxClients, 0):])
	})
}

// markSent notes, before a segment is uploaded, that something may have been sent under the token
// of the day of its birth. It reports whether the mark is new, and ok false when consent was
// withdrawn meanwhile.
func (a *Agent) markSent(s Segment) (fresh, ok bool) {
	a.spoolMu.Lock()
	defer a.spoolMu.Unlock()
	if a.userConsent() == report.Off {
		return false, false
	}
	err := a.setSent(utcDay(s.Birth), true, &fresh)
	if err != nil && a.token.day == utcDay(s.Birth) {
		// a disk that takes nothing keeps neither us from delivering nor the user from revoking
		a.unsaved = append(a.unsaved, a.token)
	}
	return fresh, true
}

// unmarkSent takes a mark back, when it is certain that nothing was sent after all.
func (a *Agent) unmarkSent(s Segment) {
	a.spoolMu.Lock()
	defer a.spoolMu.Unlock()
	var changed bool
	// the mark of a day on which nothing was sent costs a notice about nothing
	_ = a.setSent(utcDay(s.Birth), false, &changed)
}

func (a *Agent) setSent(day int64, sent bool, changed *bool) error {
	_, err := a.o.Spool.State(stateTokens, func(old []byte) []byte {
		*changed = false
		list := decodeTokens(old)
		for i := range list {
			if list[i].day == day && list[i].sent != sent {
				list[i].sent = sent
				*changed = true
			}
		}
		if !*changed {
			return nil
		}
		return encodeTokens(list)
	})
	return err
}

// sentTokens are the tokens under which something may have been sent, sorted, none twice. The
// caller holds spoolMu.
func (a *Agent) sentTokens() [][16]byte {
	var tokens [][16]byte
	state, _ := a.o.Spool.State(stateTokens, func([]byte) []byte { return nil })
	for _, t := range decodeTokens(state) {
		if t.sent && t.token != [16]byte{} {
			tokens = append(tokens, t.token)
		}
	}
	for _, c := range a.unsaved {
		tokens = append(tokens, c.token)
	}
	tokens = tokens[max(len(tokens)-report.MaxClients, 0):]
	slices.SortFunc(tokens, func(x, y [16]byte) int { return slices.Compare(x[:], y[:]) })
	return slices.Compact(tokens)
}

// neverLeft reports whether it is certain that an attempt got no byte of the segment out: no
// connection, or no peer that was trusted.
func neverLeft(r answer) bool {
	switch o := r.outcome; {
	case r.verdict != none || r.err == nil:
		return false
	case o == report.TCPRefused, o == report.TCPAddressInvalid, o == report.TCPAddressUnreachable:
		return true
	default:
		return o.Under("dns") || o.Under("tls.cert")
	}
}
