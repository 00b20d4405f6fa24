package netns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
)

// Network is a network beside that of the test, such as that of another host. It lasts until it is
// closed and the last process in it has ended.
type Network struct{ file *os.File }

// New makes a network that has nothing but a loopback interface.
func New() (*Network, error) {
	made, failed := make(chan *Network, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocks: the thread ends with the goroutine
		err := os.NewSyscallError("unshare", syscall.Unshare(syscall.CLONE_NEWNET))
		if err == nil {
			err = SetAddress("lo", netip.MustParseAddr("127.0.0.1"))
		}
		var file *os.File
		if err == nil {
			file, err = os.Open("/proc/thread-self/ns/net")
		}
		if err != nil {
			failed <- err
			return
		}
		made <- &Network{file}
	}()
	select {
	case n := <-made:
		return n, nil
	case err := <-failed:
		return nil, err
	}
}

// Of returns the network of a process.
func Of(pid int) (*Network, error) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	return &Network{file}, err
}

// Close gives the network up.
func (n *Network) Close() error { return n.file.Close() }

// Do calls f in the network: processes that f starts, and sockets that it opens in its goroutine,
// are there.
func (n *Network) Do(f func() error) error {
	runtime.LockOSThread()
	here, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer here.Close()
	if err := setns(n.file); err != nil {
		return err
	}
	err = f()
	if back := setns(here); back != nil {
		return errors.Join(err, back) // the thread stays locked, and ends with the goroutine
	}
	runtime.UnlockOSThread()
	return err
}

// Connect connects the network to a bridge of [AddBridge] and gives it an address there, with the
// netmask of its class. cable names the bridge's end of the cable; the network's is eth0.
func (n *Network) Connect(bridge, cable string, addr netip.Addr) error {
	i, err := net.InterfaceByName(bridge)
	if err != nil {
		return err
	}
	if err := addCable(cable, number(syscall.IFLA_MASTER, i.Index), "eth0", number(iflaNetNSFd, int(n.file.Fd()))); err != nil {
		return err
	}
	if err := SetUp(cable, true); err != nil {
		return err
	}
	return n.Do(func() error { return SetAddress("eth0", addr) })
}

func setns(f *os.File) error {
	if _, _, errno := syscall.RawSyscall(sysSetns, f.Fd(), syscall.CLONE_NEWNET, 0); errno != 0 {
		return os.NewSyscallError("setns", errno)
	}
	return nil
}

// sysSetns is setns(2), which package syscall does not name on every architecture.
var sysSetns = map[string]uintptr{"amd64": 308, "arm64": 268, "riscv64": 268, "386": 346, "arm": 375, "ppc64le": 350, "s390x": 339}[runtime.GOARCH]
