package diskspool

import (
	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// makeRoom drops the oldest finished segments until there is room for size more bytes, and for one
// more file if fresh is set. The directory is locked.
func (s *Spool) makeRoom(root *directory, size int64, fresh bool) error {
	files, err := scan(root)
	if err != nil {
		return err
	}
	count := 0
	if fresh {
		count, size = 1, size+endSize
	}
	fits := func() bool { return total(files)+size <= s.o.MaxBytes && len(files)+count <= s.o.MaxSegments }
	if fits() {
		return nil
	}
	s.recover(root)
	if files, err = scan(root); err != nil {
		return err
	}
	for i := 0; i < len(files) && !fits(); {
		if files[i].done && s.dropFile(root, files[i], report.DropSpoolFull) {
			files = append(files[:i], files[i+1:]...)
		} else {
			i++
		}
	}
	if !fits() {
		return agent.ErrSpoolFull
	}
	return nil
}

// dropFile deletes a finished segment and counts its records as dropped. It returns false if the
// segment cannot be deleted.
func (s *Spool) dropFile(root *directory, f file, reason string) bool {
	records := uint64(1)
	if b, err := readFile(root, f.name); err == nil {
		if info, err := seal.ParseSegment(b); err == nil {
			records = uint64(max(info.Frames-1, 1)) // without its header
		}
	}
	removed, err := root.discard(f.name)
	if err == nil && removed {
		s.drops[reason] += records
	}
	return err == nil
}
