// Package smallfs gives a test a file system of a few megabytes, so that it can fill a disk. Start
// with [Own].
package smallfs

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/heliograph-net/heliograph/internal/rerun"
)

const env = "HELIOGRAPH_TEST_SMALL_FILE_SYSTEM" // set: this process has mounts of its own

// Own runs the calling test again in a process with its own mounts. There it returns the directory
// of an empty file system (tmpfs) of size bytes, and true. If it returns false, the test has
// already run inside. Own skips the test if the kernel does not allow namespaces.
func Own(t *testing.T, size int64) (dir string, inside bool) {
	t.Helper()
	if os.Getenv(env) == "" {
		if err := rerun.In(t, syscall.CLONE_NEWNS, env+"=1"); err != nil {
			t.Skipf("no mounts of its own (%v): run it as root, or allow users their own namespaces (user.max_user_namespaces)", err)
		}
		return "", false
	}
	// what is mounted here must not appear outside
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatalf("making mounts private: %v", err)
	}
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Fatalf("mounting a file system of %d bytes: %v", size, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return dir, true
}
