// Package rerun runs a test again in a process with namespaces of its own (namespaces(7)). Start
// with [In].
package rerun

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// In runs the calling test again in a process that has its own namespaces of the kinds in flags
// (syscall.CLONE_NEW*) and more environment variables. If the test fails there, or does not run, it
// fails here. An error means that there are no such namespaces for this user.
func In(t *testing.T, flags uintptr, environment ...string) error {
	t.Helper()
	out, err := run(t, flags|syscall.CLONE_NEWUSER, environment)
	// a container may forbid user namespaces although the user is root
	if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran {
		out, err = run(t, flags, environment)
	}
	switch _, ran := errors.AsType[*exec.ExitError](err); {
	case ran:
		t.Fatalf("in namespaces of its own: %v\n%s", err, out)
	case err != nil:
		return err
	case !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Fatalf("in namespaces of its own, the test did not run:\n%s", out)
	}
	return nil
}

func run(t *testing.T, flags uintptr, environment []string) ([]byte, error) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=20m")
	cmd.Env = append(os.Environ(), environment...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	if flags&syscall.CLONE_NEWUSER != 0 {
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return cmd.CombinedOutput()
}
