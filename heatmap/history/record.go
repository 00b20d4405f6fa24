package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// ErrCorrupt is returned, wrapped, for a file that is not a history, or a record that is damaged.
var ErrCorrupt = errors.New("corrupt history")

const magic = "HGHEAT\x00\x01"

// kind is the kind of a record.
type kind uint8

const (
	topologyRecord kind = 1
	changeRecord   kind = 2 // a topology that refers to the one before
	keyRecord      kind = 3
	deltaRecord    kind = 4
)

const (
	headerSize = 17
	// the longest payload: a topology of heatmap.MaxServers with long names
	maxPayload = 256 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// entry says where a record is.
type entry struct {
	kind   kind
	at     int64 // Unix ms
	offset int64 // of the payload
	length int
	sum    uint32
}

func appendRecord(dst []byte, k kind, at time.Time, payload []byte) []byte {
	start := len(dst)
	dst = append(dst, byte(k))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(at.UnixMilli()))
	dst = binary.LittleEndian.AppendUint32(dst, checksum(dst[start:], payload))
	return append(dst, payload...)
}

// checksum returns the checksum of a record whose header begins with the given bytes.
func checksum(header, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(header, castagnoli), castagnoli, payload)
}

// index returns the whole records of a file of so many bytes, and where they end. It reads only
// headers. The error wraps ErrCorrupt if what precedes the end is no history.
func index(r io.ReaderAt, size int64) (all []entry, end int64, err error) {
	head := make([]byte, headerSize)
	if _, err := r.ReadAt(head[:len(magic)], 0); err != nil || string(head[:len(magic)]) != magic {
		return nil, 0, fmt.Errorf("does not begin like a history of version 1: %w", ErrCorrupt)
	}
	end = int64(len(magic))
	last := int64(0)
	for end+headerSize <= size {
		if _, err := r.ReadAt(head, end); err != nil {
			return nil, 0, fmt.Errorf("reading a record at byte %d: %w", end, err)
		}
		e := entry{
			kind: kind(head[0]), length: int(binary.LittleEndian.Uint32(head[1:])),
			at: int64(binary.LittleEndian.Uint64(head[5:])), sum: binary.LittleEndian.Uint32(head[13:]), offset: end + headerSize,
		}
		if e.kind < topologyRecord || e.kind > deltaRecord || e.length > maxPayload || e.at < last {
			return all, end, fmt.Errorf("record at byte %d is of no kind, too long or out of order: %w", end, ErrCorrupt)
		}
		if e.offset+int64(e.length) > size {
			break // torn
		}
		last = e.at
		all = append(all, e)
		end = e.offset + int64(e.length)
	}
	return all, end, nil
}

// read returns the payload of a record, checked.
func (e entry) read(r io.ReaderAt) ([]byte, error) {
	b := make([]byte, headerSize+e.length)
	if _, err := r.ReadAt(b, e.offset-headerSize); err != nil {
		return nil, fmt.Errorf("reading a record at byte %d: %w", e.offset-headerSize, err)
	}
	if checksum(b[:headerSize-4], b[headerSize:]) != e.sum {
		return nil, fmt.Errorf("checksum of the record at byte %d is wrong: %w", e.offset-headerSize, ErrCorrupt)
	}
	return b[headerSize:], nil
}
