// Package logfile is an io.Writer on a file that starts a new one when it has become too large or
// too old, and keeps a few of the old ones.
package logfile

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

// Options of a Writer.
type Options struct {
	Path     string // of the current file; old ones are Path.1, the newest of them, to Path.Keep
	MaxBytes int64  // size at which a new file is started. 0 means 64 MiB
	// age at which a new file is started, when something is written. 0 means 24 hours
	MaxAge time.Duration
	Keep   int // old files. 0 means 7
}

// Writer is safe for concurrent use. One Write is never split over two files.
type Writer struct {
	o Options

	mu    sync.Mutex
	file  *os.File  // owned by mu; nil after Close
	size  int64     // owned by mu
	since time.Time // owned by mu; when the file was started, or was first opened
}

// Open opens the current file (mode 0600) and appends to it.
func Open(o Options) (*Writer, error) {
	if o.MaxBytes < 0 || o.MaxAge < 0 || o.Keep < 0 {
		return nil, errors.New("log file: MaxBytes, MaxAge and Keep must not be negative")
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	if o.MaxAge == 0 {
		o.MaxAge = 24 * time.Hour
	}
	if o.Keep == 0 {
		o.Keep = 7
	}
	w := &Writer{o: o}
	return w, w.open()
}

func (w *Writer) open() error {
	f, err := os.OpenFile(w.o.Path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("log file: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("log file: %w", err), f.Close())
	}
	w.file, w.size, w.since = f, info.Size(), time.Now()
	return nil
}

// Write appends a line. When no new file can be started it goes on with the old one: a log that is
// too long is better than none.
func (w *Writer) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return 0, os.ErrClosed
	}
	if w.size > 0 && (w.size+int64(len(b)) > w.o.MaxBytes || time.Since(w.since) >= w.o.MaxAge) {
		w.rotate()
	}
	n, err := w.file.Write(b)
	w.size += int64(n)
	return n, err
}

// rotate moves every file one number up and starts a new one. mu is held.
func (w *Writer) rotate() {
	for n := w.o.Keep; n > 1; n-- {
		_ = os.Rename(w.old(n-1), w.old(n)) // a missing one leaves a gap
	}
	old := w.file
	if os.Rename(w.o.Path, w.old(1)) != nil || w.open() != nil {
		w.size, w.since = 0, time.Now() // again when as much has been written
		return
	}
	_ = old.Close()
}

func (w *Writer) old(n int) string { return w.o.Path + "." + strconv.Itoa(n) }

// Reopen opens the path again, for when something else has moved or removed the file there. When it
// cannot, the file in use stays.
func (w *Writer) Reopen() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return os.ErrClosed
	}
	old := w.file
	if err := w.open(); err != nil {
		return err
	}
	return old.Close()
}

// Close closes the file. It is idempotent; what is written afterwards is lost.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return err
}
