package agent

import (
	"encoding/binary"
	"time"
)

// client is the token that distinguishes clients for one UTC day. It is random and not derived from
// anything permanent.
type client struct {
	day   int64 // since 1970
	token [16]byte
}

// stateClient is the name of the state with the token that the processes of a spool share: the day
// in 8 bytes, big-endian, then the token.
const stateClient = "client"

func (c client) encode() []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(c.day)), c.token[:]...)
}

func decodeClient(b []byte) (c client, ok bool) {
	if len(b) != 8+len(c.token) {
		return client{}, false
	}
	c.day = int64(binary.BigEndian.Uint64(b))
	copy(c.token[:], b[8:])
	return c, true
}

func utcDay(t time.Time) int64 {
	const day = 24 * 60 * 60
	return (t.Unix() - (t.Unix()%day+day)%day) / day
}
