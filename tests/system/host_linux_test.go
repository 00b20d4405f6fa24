package system

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/heliograph-net/heliograph/internal/netns"
)

// host is a heliograph in a network namespace of its own, at the other end of a cable.
type host struct {
	*process
	cable string     // this side's interface
	here  netip.Addr // this side's address
	addr  netip.Addr // the host's
}

// startHost lays a cable to a host and runs heliograph there. Both addresses are in one
// network of 256.
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
	err = netns.AddCable(cable, hostInterface, cmd.Process.Pid)
	if err == nil {
		err = netns.SetAddress(cable, here)
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
	if err := errors.Join(netns.SetAddress("lo", netip.MustParseAddr("127.0.0.1")), netns.SetAddress(hostInterface, addr)); err != nil {
		return err
	}
	return syscall.Exec(os.Getenv(binaryEnv), append([]string{"heliograph"}, os.Args[1:]...), os.Environ())
}

// hostInterface is the host's side of its cable.
const hostInterface = "eth0"

// pull takes the cable out, or puts it in again: without it there is no route to the host.
func (h *host) pull(out bool) error {
	return netns.SetUp(h.cable, !out)
}

// silence makes everything that is sent to the host vanish without a word, or ends that: the host
// has no route back.
func (h *host) silence(on bool) error {
	mask := [4]byte{255, 255, 255, 0}
	if on {
		mask[3] = 255
	}
	n, err := netns.Of(h.cmd.Process.Pid)
	if err != nil {
		return err
	}
	defer n.Close()
	return n.Do(func() error { return netns.SetNetmask(hostInterface, mask) })
}
