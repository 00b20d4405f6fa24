// Package feed encodes and decodes the exchange by which a detector gets batches from a collector:
// the query of the request ([Query]) and the framing of the answer ([Append], [Read]).
package feed

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"strconv"

	"github.com/heliograph-net/heliograph/report"
)

// frameHead is the length of an envelope's length: 4 bytes, big-endian.
const frameHead = 4

// Append appends the body of a feed's answer (protocol.MediaTypeFeed) to dst: each envelope after
// its length in 4 bytes, big-endian. The error says which envelope cannot be encoded.
func Append(dst []byte, batches []report.Envelope) ([]byte, error) {
	for i := range batches {
		start := len(dst)
		dst = append(dst, make([]byte, frameHead)...)
		var err error
		if dst, err = report.AppendEnvelope(dst, &batches[i]); err != nil {
			return nil, &frameError{"encoding batch " + strconv.FormatUint(batches[i].Seq, 10), err}
		}
		binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-frameHead))
	}
	return dst, nil
}

// Read decodes the body of a feed's answer. It returns at most limit envelopes and stops once it
// has read maxBytes. If the answer breaks off or is too long, Read returns the whole envelopes
// before that without an error, because the rest comes with the next answer. An error means that
// there was no whole envelope.
func Read(body io.Reader, limit, maxBytes int) ([]report.Envelope, error) {
	in := bufio.NewReaderSize(body, 64<<10)
	var all []report.Envelope
	for total := 0; total < maxBytes && len(all) < limit; {
		e, size, err := readEnvelope(in)
		if errors.Is(err, io.EOF) || err != nil && len(all) > 0 {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		total += size
		all = append(all, *e)
	}
	return all, nil
}

// readEnvelope returns io.EOF at the end of the feed.
func readEnvelope(in io.Reader) (e *report.Envelope, size int, err error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, 0, err
	}
	length := binary.BigEndian.Uint32(head[:])
	if length == 0 || length > report.MaxEnvelope {
		return nil, 0, errors.New("an envelope of " + strconv.FormatUint(uint64(length), 10) + " bytes")
	}
	b := make([]byte, length)
	if _, err := io.ReadFull(in, b); err != nil {
		return nil, 0, errors.New("the answer broke off")
	}
	e, err = report.DecodeEnvelope(b)
	return e, int(length), err
}

// frameError says what failed and wraps the reason.
type frameError struct {
	doing string
	err   error
}

func (e *frameError) Error() string { return e.doing + ": " + e.err.Error() }
func (e *frameError) Unwrap() error { return e.err }
