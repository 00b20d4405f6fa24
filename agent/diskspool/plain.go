package diskspool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// errNotRegular says that a file of the spool is not a regular file. It may be a symbolic link, or
// a pipe, which would block whoever opens it.
var errNotRegular = errors.New("not a regular file")

// openPlain opens a file of the spool if it is a regular one. flag may include os.O_CREATE.
func openPlain(root *directory, name string, flag int) (*os.File, error) {
	info, err := root.Lstat(name)
	if err != nil && !(errors.Is(err, os.ErrNotExist) && flag&os.O_CREATE != 0) {
		return nil, err
	}
	if err == nil && !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	f, err := root.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	if !isStill(root, name, f) { // it was replaced meanwhile, perhaps by a link
		if info, err := root.Lstat(name); err == nil && !info.Mode().IsRegular() {
			_ = f.Close()
			return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
		}
	}
	return f, nil
}

// others are the permissions that allow other users to create files in a directory.
const others fs.FileMode = 0o022

// keepOthersOut removes the write permission of other users from a directory, because they could
// otherwise choose what the agent reads. If that fails, it returns an error. Windows has no
// such permissions.
func keepOthersOut(root *directory, dir string) error {
	info, err := root.Stat(".")
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&others == 0 {
		return err
	}
	if info.Mode()&fs.ModeSticky == 0 { // otherwise many users share it, as /tmp
		if err = root.Chmod(".", info.Mode().Perm()&^others); err == nil {
			return nil
		}
	}
	return fmt.Errorf("spool: others can write to %s (mode %v): make a directory of its own for it, with mode 0700", dir, info.Mode().Perm())
}
