package report

import (
	"crypto/sha256"
	"encoding/binary"
)

// Anonymous is the Function of a [Frame] whose function has no name, as JavaScript engines
// write it.
const Anonymous = "<anonymous>"

// Fingerprint returns a hash that is the same for all errors of one problem: those with the same
// kind, type and chain of functions. Lines are not included, so that groups survive a release that
// moves code. But log statements in one function are separate problems, and functions without a
// name are distinguished by their position. Messages are not included, because a hash of a rare
// value would reveal it.
func Fingerprint(kind ErrorKind, name string, stack []Frame) (sum [16]byte) {
	h := sha256.New()
	h.Write([]byte{byte(kind)})
	h.Write([]byte(name))
	for i := range stack {
		h.Write([]byte{0})
		h.Write([]byte(stack[i].Function))
		if stack[i].Function == Anonymous {
			h.Write([]byte(stack[i].File))
			h.Write(binary.BigEndian.AppendUint32(nil, stack[i].Line))
		}
	}
	if kind == KindLog && len(stack) > 0 {
		h.Write(binary.BigEndian.AppendUint32(nil, stack[0].Line))
	}
	copy(sum[:], h.Sum(nil))
	return sum
}
