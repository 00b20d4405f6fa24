package diskspool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// errNotRegular says that something else lies where the spool has a file: a symbolic link, or a
// pipe, which would keep whoever opens it waiting.
var errNotRegular = errors.New("is no regular file")

// openPlain opens a file of the spool, which may be made by flag, if it is a regular one.
func openPlain(root *os.Root, name string, flag int) (*os.File, error) {
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
	if !isStill(root, name, f) { // it was replaced meanwhile, by a link perhaps
		if info, err := root.Lstat(name); err == nil && !info.Mode().IsRegular() {
			_ = f.Close()
			return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
		}
	}
	return f, nil
}

// others are the permissions by which others could put files into a directory.
const others fs.FileMode = 0o022

// keepOthersOut takes write permission for others off a directory, or refuses it: whoever may write
// there decides what the agent reads. Windows has no such permissions.
func keepOthersOut(root *os.Root, dir string) error {
	info, err := root.Stat(".")
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&others == 0 {
		return err
	}
	if info.Mode()&fs.ModeSticky == 0 { // else it is one that many share, such as /tmp
		if err = root.Chmod(".", info.Mode().Perm()&^others); err == nil {
			return nil
		}
	}
	return fmt.Errorf("spool: others can write to %s (mode %v): make a directory of its own for it, with mode 0700", dir, info.Mode().Perm())
}
