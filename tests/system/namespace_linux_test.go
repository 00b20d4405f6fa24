package system

import (
	"bufio"
	bin "encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

const (
	binaryEnv    = "HELIOGRAPH_TEST_BINARY"    // heliograph, for a test that runs itself in a namespace
	namespaceEnv = "HELIOGRAPH_TEST_NAMESPACE" // set: this process is in a network namespace of its own
	hostEnv      = "HELIOGRAPH_TEST_HOST"      // set: this process is to become a host in a network namespace of its own
)

// ownNetwork runs the calling test again in a process whose network is its own: loopback and nothing else. It returns true in that process;
// where it returns false, the test has run already.
func ownNetwork(t *testing.T) bool {
	t.Helper()
	if os.Getenv(namespaceEnv) != "" {
		if err := setAddress("lo", netip.MustParseAddr("127.0.0.1")); err != nil {
			t.Fatal(err)
		}
		return true
	}
	run := func(flags uintptr) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=4m")
		cmd.Env = append(os.Environ(), binaryEnv+"="+binary, namespaceEnv+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
		if flags&syscall.CLONE_NEWUSER != 0 {
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
		}
		return cmd.CombinedOutput()
	}
	out, err := run(syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER)
	if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran { // a container may forbid namespaces of users, and have root
		out, err = run(syscall.CLONE_NEWNET)
	}
	switch _, ran := errors.AsType[*exec.ExitError](err); {
	case ran:
		t.Fatalf("in a network of its own: %v\n%s", err, out)
	case err != nil:
		t.Fatalf("this test needs network namespaces, and the kernel gives none (%v): run it as root, or allow users their own (user.max_user_namespaces)", err)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Fatalf("in a network of its own, the test did not run:\n%s", out)
	}
	return false
}

// host is a heliograph in a network namespace of its own, at the other end of a cable.
type host struct {
	*process
	cable string     // this side's interface
	here  netip.Addr // this side's address
	addr  netip.Addr // the host's
}

// startHost lays a cable to a host and runs heliograph there. Both addresses are in one network of 256.
func startHost(t *testing.T, cable string, here, addr netip.Addr, args ...string) *host {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), hostEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	h := &host{process: startProcess(t, cmd), cable: cable, here: here, addr: addr}
	err = addCable(cable, cmd.Process.Pid)
	if err == nil {
		err = setAddress(cable, here)
	}
	if err == nil {
		_, err = fmt.Fprintln(stdin, addr)
	}
	if err != nil {
		t.Fatalf("laying the cable %s: %v", cable, err)
	}
	return h
}

// becomeHost is a host's process: it takes its address and becomes heliograph.
func becomeHost() error {
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	addr, err := netip.ParseAddr(strings.TrimSpace(line))
	if err != nil {
		return err
	}
	if err := errors.Join(setAddress("lo", netip.MustParseAddr("127.0.0.1")), setAddress(hostInterface, addr)); err != nil {
		return err
	}
	return syscall.Exec(os.Getenv(binaryEnv), append([]string{"heliograph"}, os.Args[1:]...), os.Environ())
}

// hostInterface is the host's side of its cable.
const hostInterface = "eth0"

// pull takes the cable out, or puts it in again: without it there is no route to the host.
func (h *host) pull(out bool) error {
	if out {
		return setFlags(h.cable, 0)
	}
	return setFlags(h.cable, syscall.IFF_UP)
}

// silence makes everything that is sent to the host vanish without a word, or ends that: the host has no route back.
func (h *host) silence(on bool) error {
	mask := [4]byte{255, 255, 255, 0}
	if on {
		mask[3] = 255
	}
	errs := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocks: the thread ends with the goroutine, and with it its place in the host's namespace
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", h.cmd.Process.Pid))
		if err == nil {
			defer ns.Close()
			if _, _, errno := syscall.RawSyscall(sysSetns, ns.Fd(), syscall.CLONE_NEWNET, 0); errno != 0 {
				err = os.NewSyscallError("setns", errno)
			}
		}
		if err == nil {
			err = setIPv4(syscall.SIOCSIFNETMASK, hostInterface, mask)
		}
		errs <- err
	}()
	return <-errs
}

// sysSetns is setns(2), which package syscall does not name on every architecture.
var sysSetns = map[string]uintptr{"amd64": 308, "arm64": 268, "riscv64": 268, "386": 346, "arm": 375, "ppc64le": 350, "s390x": 339}[runtime.GOARCH]

// ifreq is struct ifreq of netdevice(7).
type ifreq struct {
	name [syscall.IFNAMSIZ]byte
	data [24]byte
}

func ioctl(request uintptr, r *ifreq) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(r))); errno != 0 {
		return fmt.Errorf("ioctl %#x on %s: %w", request, strings.TrimRight(string(r.name[:]), "\x00"), errno)
	}
	return nil
}

func setIPv4(request uintptr, name string, value [4]byte) error {
	var r ifreq
	copy(r.name[:], name)
	bin.NativeEndian.PutUint16(r.data[:], syscall.AF_INET)
	copy(r.data[4:], value[:])
	return ioctl(request, &r)
}

// setAddress gives an interface an address, with the netmask of its class (RFC 791), and brings it up.
func setAddress(name string, addr netip.Addr) error {
	if err := setIPv4(syscall.SIOCSIFADDR, name, addr.As4()); err != nil {
		return err
	}
	return setFlags(name, syscall.IFF_UP)
}

func setFlags(name string, flags uint16) error {
	var r ifreq
	copy(r.name[:], name)
	bin.NativeEndian.PutUint16(r.data[:], flags)
	return ioctl(syscall.SIOCSIFFLAGS, &r)
}
