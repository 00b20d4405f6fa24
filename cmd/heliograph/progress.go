package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// Work that takes longer than progressFirst tells how far it has come, and then every
// progressEvery.
const (
	progressFirst = time.Second
	progressEvery = 5 * time.Second
)

// whileWorking does work. While that takes, it writes a line to w now and then: what text says at
// that time, and how long it has taken. text is called in another goroutine than work.
func whileWorking(w io.Writer, text func() string, work func() error) error {
	done, printed, began := make(chan struct{}), make(chan struct{}), time.Now()
	go func() {
		defer close(printed)
		next := time.NewTimer(progressFirst)
		defer next.Stop()
		for {
			select {
			case <-done:
				return
			case now := <-next.C:
				next.Reset(progressEvery)
				fmt.Fprintf(w, "%s (%v)\n", text(), now.Sub(began).Round(time.Second))
			}
		}
	}()
	defer func() { close(done); <-printed }()
	return work()
}

// sizeBelow returns how many bytes the files below a directory have. What cannot be read counts
// nothing.
func sizeBelow(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}

// megabytes writes a size for people.
func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

// countingReader counts what is read. The count may be read in another goroutine.
type countingReader struct {
	io.Reader
	read atomic.Int64 // bytes
}

func (r *countingReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.read.Add(int64(n))
	return n, err
}

// sizeOf returns the size of a regular file, or 0.
func sizeOf(r io.Reader) int64 {
	f, ok := r.(*os.File)
	if !ok {
		return 0
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}
