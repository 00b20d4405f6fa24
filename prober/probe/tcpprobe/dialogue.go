package tcpprobe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/heliograph-net/heliograph/prober/probe"
)

// StepDialogue is the step after those of package conn, in which lines are sent and received.
const StepDialogue = "dialogue"

// Limits of what a server may send before the expected line.
const (
	maxLine  = 4 << 10 // bytes
	maxLines = 1000
)

// errUnexpected means that the server sent lines, but not the expected one.
var errUnexpected = errors.New("unexpected answer")

// talk runs the dialogue over c.
func (p *tcpProbe) talk(ctx context.Context, a *probe.Attempt, c net.Conn) error {
	if len(p.turns) == 0 {
		return nil
	}
	a.Enter(StepDialogue)
	lines := bufio.NewReaderSize(c, maxLine)
	for i, t := range p.turns {
		var said []byte
		if t.expect != nil {
			match, err := await(lines, t)
			if err != nil {
				return err
			}
			said = match
		}
		if t.Send != "" {
			if _, err := c.Write(append(t.message(said), '\n')); err != nil {
				return err
			}
		}
		if !t.StartTLS {
			continue
		}
		if lines.Buffered() > 0 {
			return errUnexpected // plain text must not be taken for data that came over TLS
		}
		secured, err := p.secure.Handshake(ctx, a, c)
		if err != nil {
			return err
		}
		c = secured
		lines.Reset(c)
		if i < len(p.turns)-1 {
			a.Enter(StepDialogue)
		}
	}
	return nil
}

// message returns the line that a turn sends in response to the expected line.
func (t *turn) message(line []byte) []byte {
	if t.expect == nil {
		return []byte(t.Send)
	}
	return t.expect.Expand(nil, []byte(t.Send), line, t.expect.FindSubmatchIndex(line))
}

// await reads lines until one matches, and returns it.
func await(lines *bufio.Reader, t turn) ([]byte, error) {
	for came := range maxLines {
		line, err := lines.ReadSlice('\n')
		line = bytes.TrimRight(line, "\r\n")
		if t.expect.Match(line) && (err == nil || len(line) > 0) {
			return bytes.Clone(line), nil
		}
		switch {
		case err == nil:
		case errors.Is(err, bufio.ErrBufferFull), isEnd(err) && came+len(line) > 0:
			return nil, errUnexpected
		case came > 0:
			return nil, fmt.Errorf("%w, then %w", errUnexpected, err)
		default:
			return nil, err
		}
	}
	return nil, errUnexpected
}

func isEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
