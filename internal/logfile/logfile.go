// Package logfile provides a [Writer] for log files. It starts a new file when the present one is
// too large or too old, and keeps a few old ones. Start with [Open].
package logfile

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

// Options configures a [Writer].
type Options struct {
	Path     string // of the present file; old files are Path.1 (the newest) to Path.Keep
	MaxBytes int64  // size at which a new file is started; 0 means 64 MiB
	// age at which the next Write starts a new file; 0 means 24 hours
	MaxAge time.Duration
	Keep   int // number of old files; 0 means 7
}

// Writer is an [io.Writer] that writes to log files. It is safe for concurrent use. It never splits
// one Write over two files.
type Writer struct {
	o Options

	mu    sync.Mutex
	file  *os.File  // guarded by mu; nil after Close
	size  int64     // guarded by mu
	since time.Time // guarded by mu; when the file was started, or was first opened
}

// Open opens the present file (mode 0600) for appending.
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

// Write appends a line. If a new file is due and cannot be started, Write continues with the old
// one.
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

// rotate moves every file one number up and starts a new one. The caller must hold mu.
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

// Reopen opens the path again. It is for when another program has moved or removed the file. With
// an error, the file in use stays in use.
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

// Close closes the file. It is idempotent. Later writes are lost.
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
