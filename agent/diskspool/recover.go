package diskspool

import (
	"io"
	"os"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// recover finishes the segments of writers that have died. The directory is locked.
func (s *Spool) recover(root *directory) {
	files, _ := scan(root)
	for _, f := range files {
		if !f.done && !s.writes(f.id) {
			s.recoverFile(root, f)
		}
	}
}

func (s *Spool) recoverFile(root *directory, f file) {
	h, err := openPlain(root, f.name, os.O_RDWR)
	if err != nil {
		return
	}
	defer h.Close()
	if tryLock(h) != nil {
		return // its writer is alive
	}
	b, err := io.ReadAll(io.LimitReader(h, seal.MaxSegment+1))
	if err != nil {
		return
	}
	// the writer died between writing the end mark and renaming the file
	if info, err := seal.ParseSegment(b); err == nil && info.ID == f.id {
		_ = h.Close()
		_ = rename(root, f.name)
		return
	}
	n, err := seal.WholeFrames(b)
	if err != nil {
		if _, removeErr := root.discard(f.name); removeErr == nil && len(b) > 0 {
			s.drops[report.DropCorrupt]++
		}
		return
	}
	if finish(root, h, f.name, int64(n)) == nil && lostTail(b[n:]) {
		s.drops[report.DropCorrupt]++
	}
}

// lostTail reports whether the bytes after the whole frames are more than a part of the end mark.
func lostTail(tail []byte) bool {
	for _, c := range tail {
		if c != 0 {
			return true
		}
	}
	return len(tail) > endSize
}
