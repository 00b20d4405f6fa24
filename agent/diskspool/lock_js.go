package diskspool

import (
	"errors"
	"os"
	"syscall/js"
)

// tryLock locks f until it is closed, or returns errLockBusy. JavaScript has no lock of the
// operating system's, so the program around the module provides one: the global function
// heliographLock gets the descriptor and the name of f and answers "locked" or "busy". It keeps the
// lock in a file beside f whose name ends in extHolder.
func tryLock(f *os.File) error {
	lock := js.Global().Get("heliographLock")
	if lock.Type() != js.TypeFunction {
		return errors.ErrUnsupported
	}
	switch v := lock.Invoke(int(f.Fd()), f.Name()); {
	case v.Type() != js.TypeString:
		return errors.New("heliographLock has not answered")
	case v.String() == "locked":
		return nil
	case v.String() == "busy":
		return errLockBusy
	default:
		return errors.New(v.String())
	}
}
