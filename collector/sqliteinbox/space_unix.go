//go:build linux || darwin

package sqliteinbox

import "syscall"

// space returns how many bytes the file system of dir has, and how many of them are free for this
// user. ok is false when nobody can tell.
func space(dir string) (total, free int64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, false
	}
	return int64(s.Blocks) * int64(s.Bsize), int64(s.Bavail) * int64(s.Bsize), true
}
