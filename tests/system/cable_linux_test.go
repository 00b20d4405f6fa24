package system

import (
	bin "encoding/binary"
	"errors"
	"os"
	"slices"
	"syscall"
)

// Attributes of rtnetlink(7) that package syscall does not name: linux/if_link.h and linux/veth.h.
const (
	iflaNetNSPID = 19
	infoKind     = 1
	infoData     = 2
	vethPeer     = 1
)

// addCable makes a pair of connected interfaces: one here, and one called hostInterface in the network namespace of a process.
func addCable(name string, pid int) error {
	link := make([]byte, syscall.SizeofIfInfomsg)
	peer := slices.Concat(link, attribute(syscall.IFLA_IFNAME, cString(hostInterface)), attribute(iflaNetNSPID, bin.NativeEndian.AppendUint32(nil, uint32(pid))))
	return netlink(syscall.RTM_NEWLINK, syscall.NLM_F_CREATE|syscall.NLM_F_EXCL, slices.Concat(link,
		attribute(syscall.IFLA_IFNAME, cString(name)),
		attribute(syscall.IFLA_LINKINFO, slices.Concat(attribute(infoKind, cString("veth")), attribute(infoData, attribute(vethPeer, peer)))),
	))
}

func cString(s string) []byte { return append([]byte(s), 0) }

// attribute is a netlink attribute with its padding.
func attribute(kind uint16, value []byte) []byte {
	b := bin.NativeEndian.AppendUint16(nil, uint16(syscall.SizeofRtAttr+len(value)))
	b = append(bin.NativeEndian.AppendUint16(b, kind), value...)
	return append(b, make([]byte, -len(b)&(syscall.RTA_ALIGNTO-1))...)
}

// netlink sends one request and waits for its acknowledgement.
func netlink(kind, flags uint16, payload []byte) error {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer syscall.Close(fd)
	request := bin.NativeEndian.AppendUint32(nil, uint32(syscall.SizeofNlMsghdr+len(payload)))
	request = bin.NativeEndian.AppendUint16(request, kind)
	request = bin.NativeEndian.AppendUint16(request, flags|syscall.NLM_F_REQUEST|syscall.NLM_F_ACK)
	request = append(append(request, make([]byte, 8)...), payload...) // sequence number and sender: not needed
	if err := syscall.Sendto(fd, request, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	answer := make([]byte, 8192)
	n, _, err := syscall.Recvfrom(fd, answer, 0)
	if err != nil {
		return os.NewSyscallError("recvfrom", err)
	}
	if n < syscall.SizeofNlMsghdr+4 || bin.NativeEndian.Uint16(answer[4:]) != syscall.NLMSG_ERROR {
		return errors.New("netlink: no acknowledgement")
	}
	if errno := int32(bin.NativeEndian.Uint32(answer[syscall.SizeofNlMsghdr:])); errno != 0 {
		return os.NewSyscallError("netlink", syscall.Errno(-errno))
	}
	return nil
}
