//go:build darwin || dragonfly || freebsd || js || linux || netbsd || openbsd

package diskspool

import "os"

// syncDir makes the directory's entries durable.
func syncDir(root *directory) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func syncPath(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
