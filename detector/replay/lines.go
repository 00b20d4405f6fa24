package replay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxLine is the greatest length of a line of input, in bytes, without its line ending.
const MaxLine = 64 << 10

// lines reads an input line by line, in bounded memory.
type lines struct {
	name string
	r    *bufio.Reader
	n    int // number of the line that was read last, counted from 1
}

func newLines(in Input) *lines {
	return &lines{name: in.Name, r: bufio.NewReaderSize(in, MaxLine+2)}
}

// next returns the next line without its line ending. The slice is valid until the next call. After
// the last line, next returns io.EOF.
func (l *lines) next() ([]byte, error) {
	text, err := l.r.ReadSlice('\n')
	if err == io.EOF && len(text) == 0 {
		return nil, io.EOF
	}
	l.n++
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	switch {
	case errors.Is(err, bufio.ErrBufferFull), len(text) > MaxLine:
		return nil, l.fault("line", fmt.Sprintf("is longer than %d bytes", MaxLine))
	case err != nil && err != io.EOF:
		return nil, fmt.Errorf("reading %s: %w", l.name, err)
	}
	return text, nil
}

// waiting reports whether another whole line is in the buffer.
func (l *lines) waiting() bool {
	text, err := l.r.Peek(l.r.Buffered())
	return err == nil && bytes.IndexByte(text, '\n') >= 0
}

// fault returns an error about a field of the last line.
func (l *lines) fault(field, text string) error { return &InputError{l.name, l.n, field, text} }
