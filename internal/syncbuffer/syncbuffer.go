// Package syncbuffer provides a buffer that several goroutines or processes of a test can log to.
package syncbuffer

import (
	"bytes"
	"sync"
)

// Buffer stores what is written to it. The zero value is empty and ready to use. It is safe for
// concurrent use.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns all that has been written.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
