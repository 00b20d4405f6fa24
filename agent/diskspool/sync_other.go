//go:build !(darwin || dragonfly || freebsd || js || linux || netbsd || openbsd)

package diskspool

// syncDir does nothing, because a directory cannot be synced here. NTFS journals its directories.
func syncDir(*directory) error { return nil }

func syncPath(string) error { return nil }
