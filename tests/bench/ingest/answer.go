package ingest

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// answer is what a server said to one request.
type answer struct {
	line       []byte // of its status
	status     int
	retryAfter time.Duration
	closes     bool // the connection is over
	body       []byte
}

// maxAnswer is more than any answer that is not a mistake.
const maxAnswer = 1 << 20

// read reads one answer; its body uses the memory of the one before.
func (a *answer) read(r *bufio.Reader) error {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	a.line, a.retryAfter, a.closes = append(a.line[:0], status...), 0, false
	if a.status, err = statusOf(status); err != nil {
		return err
	}
	length, err := a.headers(r)
	if err != nil {
		return err
	}
	a.body = slices.Grow(a.body[:0], length)[:length]
	for n := 0; n < length; {
		m, err := r.Read(a.body[n:])
		if err != nil {
			return fmt.Errorf("reading an answer: %w", err)
		}
		n += m
	}
	return nil
}

func statusOf(line []byte) (int, error) {
	rest, ok := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if !ok || len(rest) < 3 {
		return 0, fmt.Errorf("not an answer: %q", line)
	}
	return strconv.Atoi(string(rest[:3]))
}

// The headers that matter, of different lengths: a generator on the cores of what it measures has
// to be quick.
const (
	contentLength = "Content-Length"
	retryAfter    = "Retry-After"
	connection    = "Connection"
)

// headers reads up to the body and returns its length.
func (a *answer) headers(r *bufio.Reader) (length int, err error) {
	for {
		header, err := r.ReadSlice('\n')
		if err != nil {
			return 0, fmt.Errorf("reading an answer: %w", err)
		}
		if len(header) <= len("\r\n") {
			return length, nil
		}
		switch bytes.IndexByte(header, ':') {
		case len(contentLength):
			if value, ok := valueOf(header, contentLength); ok {
				if length, err = strconv.Atoi(value); err != nil || length > maxAnswer {
					return 0, fmt.Errorf("answer of %q bytes", value)
				}
			}
		case len(retryAfter):
			if value, ok := valueOf(header, retryAfter); ok {
				seconds, _ := strconv.Atoi(value)
				a.retryAfter = time.Duration(seconds) * time.Second
			}
		case len(connection):
			if value, ok := valueOf(header, connection); ok {
				a.closes = value == "close"
			}
		}
	}
}

func valueOf(header []byte, name string) (value string, ok bool) {
	if !bytes.EqualFold(header[:len(name)], []byte(name)) {
		return "", false
	}
	return string(bytes.TrimSpace(header[len(name)+1:])), true
}
