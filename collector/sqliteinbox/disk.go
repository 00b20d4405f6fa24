package sqliteinbox

import (
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/heliograph-net/heliograph/collector"
)

// An acknowledgement must write before it can free anything, because the write-ahead log grows by
// what it changes. On a full disk this would fail, and the inbox would stay full for ever. So the
// inbox reserves a part of the disk with a separate file, which is removed if an acknowledgement
// finds no room. Batches are refused if less room is free than the log may need.
const (
	reservePart = 8 // divisor of the size that the inbox may have
	minReserve  = 256 << 10
	maxReserve  = 20 << 20
	// part of the reserve that the log may use before it is written into the file
	logPart     = .8
	maxLogPages = 1000 // SQLite's own default
	minLogPages = 8
)

// disk knows how much room there is on the disk of an inbox. It is safe for concurrent use.
type disk struct {
	path     string // of the inbox
	log      *slog.Logger
	reserved int64 // bytes of the reserve

	mu    sync.Mutex
	there bool // guarded by mu; the reserve exists
	told  bool // guarded by mu; its absence was logged
}

func newDisk(path string, maxBytes int64, log *slog.Logger) *disk {
	d := &disk{path: path, log: log}
	usable := maxBytes
	if total, _, ok := space(filepath.Dir(path)); ok {
		usable = min(usable, total)
	}
	d.reserved = min(max(usable/reservePart, minReserve), maxReserve)
	return d
}

// logPages returns how many pages the log may have before it is written into the file.
func (d *disk) logPages() int64 {
	return min(max(int64(logPart*float64(d.reserved))/pageSize, minLogPages), maxLogPages)
}

func (d *disk) reservePath() string { return d.path + "-reserve" }

// keep creates the reserve if it is missing and if half as much room remains afterwards. It reports
// whether there is a reserve.
func (d *disk) keep() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.there {
		return true
	}
	if info, err := os.Lstat(d.reservePath()); err == nil && info.Mode().IsRegular() && info.Size() == d.reserved {
		d.there = true // from an earlier run
		return true
	}
	_, free, ok := space(filepath.Dir(d.path))
	if ok && free < d.reserved+d.reserved/2 {
		return false
	}
	if err := allocate(d.reservePath(), d.reserved); err != nil {
		_ = os.Remove(d.reservePath())
		return false
	}
	d.there = true
	if d.told {
		d.told = false
		d.log.Info("the disk has room again: the inbox keeps its reserve")
	}
	return true
}

// spend removes the reserve and reports whether there was one.
func (d *disk) spend() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := os.Remove(d.reservePath())
	if was := d.there && err == nil; !was {
		return false
	}
	d.there, d.told = false, true
	d.log.Warn("the disk is full: the inbox gave up its reserve so that it can delete the batches that detectors have taken", "bytes", d.reserved)
	return true
}

// spent reports whether the reserve is gone.
func (d *disk) spent() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.there
}

// measured has the sizes of the inbox's file, in pages.
type measured struct{ pages, unused int64 }

func (m measured) used() int64 { return (m.pages - m.unused) * pageSize }

// room returns how many more bytes the inbox may use on the disk.
func (d *disk) room(m measured) int64 {
	_, free, ok := space(filepath.Dir(d.path))
	if !ok {
		return math.MaxInt64
	}
	d.mu.Lock()
	if !d.there {
		free -= d.reserved
	}
	d.mu.Unlock()
	// the file will grow when the log is written into it
	free -= max(0, m.pages*pageSize-sizeOf(d.path))
	free -= max(0, d.reserved-sizeOf(d.path+"-wal"))
	if free <= 0 {
		return 0
	}
	return free + m.unused*pageSize
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// full returns the error for an inbox without room.
func (i *Inbox) full(m measured, room int64) error {
	if limit := i.o.MaxBytes - m.used(); limit <= room {
		return fmt.Errorf("%w: %d of %d bytes are in use; it empties as detectors acknowledge what they read",
			collector.ErrFull, m.used(), i.o.MaxBytes)
	}
	return fmt.Errorf("%w: its disk has no room (%d bytes are in use); it empties as detectors acknowledge what they read, or make room on the disk",
		collector.ErrFull, m.used())
}

// writeZeros writes size bytes.
func writeZeros(f *os.File, size int64) error {
	block := make([]byte, 64<<10)
	for size > 0 {
		n, err := f.Write(block[:min(size, int64(len(block)))])
		if err != nil {
			return err
		}
		size -= int64(n)
	}
	return nil
}
