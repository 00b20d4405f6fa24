//go:build linux || darwin

package sqliteinbox

import "syscall"

// space returns the size of the file system of dir and how much of it is free for this user, in
// bytes. ok is false if that is unknown.
func space(dir string) (total, free int64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, false
	}
	return int64(s.Blocks) * int64(s.Bsize), int64(s.Bavail) * int64(s.Bsize), true
}
