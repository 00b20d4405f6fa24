package httpagent_test

import (
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

const inNamespace = "HELIOGRAPH_TEST_IN_NAMESPACE"

// where a test runs.
type where int

const (
	inside  where = iota // a network namespace of its own, in which loopback is up
	done                 // outside, and it has run inside
	refused              // outside, and namespaces are not permitted
)

// namespace runs the calling test in a network namespace of its own, in a process of its own.
func namespace(t *testing.T) where {
	t.Helper()
	if os.Getenv(inNamespace) != "" {
		must(t, setAddress("lo", "127.0.0.1"))
		return inside
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if _, ran := errors.AsType[*exec.ExitError](err); ran {
		t.Fatalf("in the namespace: %v\n%s", err, out)
	}
	if err != nil {
		t.Logf("no network namespace here (%v): played instead", err)
		return refused
	}
	return done
}

// TestNetworkChangesForReal: an interface loses the address over which a request is under way.
func TestNetworkChangesForReal(t *testing.T) {
	switch namespace(t) {
	case inside:
		must(t, setAddress("lo:1", "10.77.0.1"))
		failOverChange(t, "10.77.0.1:0", func(http.RoundTripper) {}, func() {
			if err := takeDown("lo:1"); err != nil {
				t.Error(err)
			}
		})
	case refused:
		began := time.Now()
		failOverChange(t, "127.0.0.1:0", func(rt http.RoundTripper) {
			httpagent.SetAddresses(rt, func() ([]net.Addr, error) {
				if time.Since(began) > 150*time.Millisecond {
					return interfaces{}.addresses()
				}
				return interfaces{"10.77.0.1/24"}.addresses()
			})
		}, func() {})
	}
}

// TestUnreachable: there is no route to the service.
func TestUnreachable(t *testing.T) {
	tr := newTransport(t, nil)
	switch namespace(t) {
	case done:
		return
	case refused:
		tr.DialContext = (&net.Dialer{Control: func(string, string, syscall.RawConn) error {
			return os.NewSyscallError("connect", syscall.ENETUNREACH)
		}}).DialContext
	}
	w := watch(t)
	err := get(t.Context(), &http.Client{Transport: httpagent.Wrap(w.Agent, tr)}, "http://192.0.2.1:8080/")
	counters, _ := w.seen(t)
	if len(counters) != 1 || counters[0].Outcome != report.TCPAddressUnreachable || counters[0].Server != "192.0.2.1:8080" {
		t.Errorf("counters %+v; the client saw %v", counters, err)
	}
}

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
		return os.NewSyscallError("ioctl", errno)
	}
	return nil
}

// setAddress gives an interface an address, and brings it up.
func setAddress(name, addr string) error {
	var r ifreq
	copy(r.name[:], name)
	binary.NativeEndian.PutUint16(r.data[:], syscall.AF_INET)
	copy(r.data[4:], net.ParseIP(addr).To4())
	if err := ioctl(syscall.SIOCSIFADDR, &r); err != nil {
		return err
	}
	return setFlags(name, syscall.IFF_UP|syscall.IFF_RUNNING)
}

// takeDown takes an alias away with its address.
func takeDown(name string) error { return setFlags(name, 0) }

func setFlags(name string, flags uint16) error {
	var r ifreq
	copy(r.name[:], name)
	binary.NativeEndian.PutUint16(r.data[:], flags)
	return ioctl(syscall.SIOCSIFFLAGS, &r)
}
