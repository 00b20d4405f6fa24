package heartbeat

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/heliograph-net/heliograph/heatmap"
)

// MediaType is the Content-Type of a beat.
const MediaType = "application/vnd.heliograph.heartbeat"

const (
	magic   = "HLHB"
	version = 1
	head    = len(magic) + 1 + 8 + 1 // bytes before the name
	maxName = 255
	// MaxSize is the greatest length of a beat in bytes: that of all the servers of a map.
	MaxSize = head + maxName + 4 + (heatmap.MaxServers+7)/8
)

// ErrMalformed is returned, wrapped, for bytes that are no beat.
var ErrMalformed = errors.New("malformed heartbeat")

// Beat says of each server of a rack whether it is up.
type Beat struct {
	Rack string // 1 to 255 bytes
	// Number is greater than that of every earlier beat of the rack. Unix milliseconds are.
	Number uint64
	Up     *heatmap.Bitset // bit i is 1 if server i is up; required
}

// Encode returns the bytes of b.
func (b *Beat) Encode() ([]byte, error) {
	if len(b.Rack) == 0 || len(b.Rack) > maxName {
		return nil, fmt.Errorf("heartbeat: the rack's name must have 1 to %d bytes", maxName)
	}
	if b.Up == nil {
		return nil, errors.New("heartbeat: has no bits")
	}
	wire := append([]byte(magic), version)
	wire = binary.BigEndian.AppendUint64(wire, b.Number)
	wire = append(append(wire, byte(len(b.Rack))), b.Rack...)
	wire = binary.BigEndian.AppendUint32(wire, uint32(b.Up.Len()))
	return append(wire, b.Up.Bytes()...), nil
}

// Decode is the inverse of [Beat.Encode]. Its errors wrap [ErrMalformed].
func Decode(wire []byte) (*Beat, error) {
	malformed := func(why string) (*Beat, error) { return nil, fmt.Errorf("%w: %s", ErrMalformed, why) }
	switch {
	case len(wire) > MaxSize:
		return malformed("too long")
	case len(wire) < head || string(wire[:len(magic)]) != magic:
		return malformed("does not begin as one")
	case wire[len(magic)] != version:
		return malformed(fmt.Sprintf("version %d is unknown, want %d", wire[len(magic)], version))
	}
	b := &Beat{Number: binary.BigEndian.Uint64(wire[len(magic)+1:])}
	length, rest := int(wire[head-1]), wire[head:]
	if length == 0 || len(rest) < length+4 {
		return malformed("ends within the rack's name")
	}
	b.Rack, rest = string(rest[:length]), rest[length:]
	n := binary.BigEndian.Uint32(rest)
	if n > heatmap.MaxServers {
		return malformed("too many servers")
	}
	var err error
	if b.Up, err = heatmap.FromBytes(int(n), rest[4:]); err != nil {
		return malformed(err.Error())
	}
	return b, nil
}
