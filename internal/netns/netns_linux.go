// Package netns runs tests in networks of their own: network namespaces (network_namespaces(7)), in
// which they can add and remove interfaces and addresses. Start with [Own].
package netns

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/heliograph-net/heliograph/internal/rerun"
)

const env = "HELIOGRAPH_TEST_NAMESPACE" // set: this process is in a network namespace of its own

// Where says where a test runs.
type Where int

const (
	Inside Where = iota // a network of its own: loopback and nothing else
	Ran                 // outside, and the test has already run inside
	None                // outside, and there are no namespaces; the error says why
)

// Enter runs the calling test again in a process with its own network and mounts, and more
// environment variables. There, Enter returns Inside. If the test fails there, it fails here.
func Enter(t *testing.T, more ...string) (Where, error) {
	t.Helper()
	if os.Getenv(env) != "" {
		if err := SetAddress("lo", netip.MustParseAddr("127.0.0.1")); err != nil {
			t.Fatal(err)
		}
		return Inside, nil
	}
	if err := rerun.In(t, syscall.CLONE_NEWNET|syscall.CLONE_NEWNS, append([]string{env + "=1"}, more...)...); err != nil {
		return None, err
	}
	return Ran, nil
}

// Own is like [Enter] for tests that need a network of their own. It returns true inside. If it
// returns false, the test has already run inside. Own fails the test if there are no namespaces.
func Own(t *testing.T, more ...string) bool {
	t.Helper()
	where, err := Enter(t, more...)
	if where == None {
		t.Fatalf("this test needs network namespaces, and the kernel gives none (%v): run it as root, or allow users their own (user.max_user_namespaces)", err)
	}
	return where == Inside
}

// SetHosts puts a file in the place of /etc/hosts, for this process and those that it starts.
func SetHosts(path string) error {
	// not for the processes outside
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return os.NewSyscallError("mount", err)
	}
	return os.NewSyscallError("mount", syscall.Mount(path, "/etc/hosts", "", syscall.MS_BIND, ""))
}

// SetAddress sets the address of an interface, with the netmask of its class (RFC 791), and brings
// the interface up. "lo:1" is an alias of "lo" that can be brought up and down by itself.
func SetAddress(name string, addr netip.Addr) error {
	if err := setIPv4(syscall.SIOCSIFADDR, name, addr.As4()); err != nil {
		return err
	}
	return SetUp(name, true)
}

// SetNetmask sets the netmask of an interface.
func SetNetmask(name string, mask [4]byte) error { return setIPv4(syscall.SIOCSIFNETMASK, name, mask) }

// SetUp brings an interface up or down. An alias that is brought down ceases to exist, with
// its address.
func SetUp(name string, up bool) error {
	var flags uint16
	if up {
		flags = syscall.IFF_UP | syscall.IFF_RUNNING
	}
	var r ifreq
	copy(r.name[:], name)
	binary.NativeEndian.PutUint16(r.data[:], flags)
	return ioctl(syscall.SIOCSIFFLAGS, &r)
}

// ifreq is struct ifreq of netdevice(7).
type ifreq struct {
	name [syscall.IFNAMSIZ]byte
	data [24]byte
}

func setIPv4(request uintptr, name string, value [4]byte) error {
	var r ifreq
	copy(r.name[:], name)
	binary.NativeEndian.PutUint16(r.data[:], syscall.AF_INET)
	copy(r.data[4:], value[:])
	return ioctl(request, &r)
}

func ioctl(request uintptr, r *ifreq) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer syscall.Close(fd)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(r))); errno != 0 {
		return fmt.Errorf("ioctl %#x on %s: %w", request, strings.TrimRight(string(r.name[:]), "\x00"), errno)
	}
	return nil
}
