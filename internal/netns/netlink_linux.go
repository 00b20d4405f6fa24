package netns

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"slices"
	"syscall"
)

// Attributes of rtnetlink(7) that package syscall does not name: linux/if_link.h and linux/veth.h.
const (
	iflaNetNSPID = 19
	iflaNetNSFd  = 28
	infoKind     = 1
	infoData     = 2
	vethPeer     = 1
)

// AddCable makes a pair of connected interfaces (veth(4)): name in this network, and other in the
// network of process pid. They carry only IPv4, whose addresses can be used at once. Their frames
// are too short for IPv6 (RFC 8200, section 5).
func AddCable(name, other string, pid int) error {
	return addCable(name, nil, other, number(iflaNetNSPID, pid))
}

// addCable makes a cable. here are more attributes of the end in this network, and there of the
// other end.
func addCable(name string, here []byte, other string, there []byte) error {
	link, mtu := make([]byte, syscall.SizeofIfInfomsg), number(syscall.IFLA_MTU, 1200)
	peer := slices.Concat(link, mtu, attribute(syscall.IFLA_IFNAME, cString(other)), there)
	return netlink(syscall.RTM_NEWLINK, syscall.NLM_F_CREATE|syscall.NLM_F_EXCL, slices.Concat(link, mtu, here,
		attribute(syscall.IFLA_IFNAME, cString(name)),
		attribute(syscall.IFLA_LINKINFO, slices.Concat(attribute(infoKind, cString("veth")), attribute(infoData, attribute(vethPeer, peer)))),
	))
}

// AddBridge makes a bridge: the networks that [Network.Connect] connects to it reach each other,
// and this one has an address there itself, with the netmask of its class.
func AddBridge(name string, addr netip.Addr) error {
	err := netlink(syscall.RTM_NEWLINK, syscall.NLM_F_CREATE|syscall.NLM_F_EXCL, slices.Concat(make([]byte, syscall.SizeofIfInfomsg),
		number(syscall.IFLA_MTU, 1200), attribute(syscall.IFLA_IFNAME, cString(name)), attribute(syscall.IFLA_LINKINFO, attribute(infoKind, cString("bridge")))))
	if err != nil {
		return err
	}
	return SetAddress(name, addr)
}

// Unreachable makes the kernel refuse what is sent to an address (EHOSTUNREACH) as long as no
// interface here has the address.
func Unreachable(addr netip.Addr) error {
	route := []byte{syscall.AF_INET, byte(addr.BitLen()), 0, 0, syscall.RT_TABLE_MAIN, syscall.RTPROT_STATIC, syscall.RT_SCOPE_UNIVERSE, syscall.RTN_UNREACHABLE, 0, 0, 0, 0}
	return netlink(syscall.RTM_NEWROUTE, syscall.NLM_F_CREATE|syscall.NLM_F_EXCL, slices.Concat(route, attribute(syscall.RTA_DST, addr.AsSlice())))
}

// number is an attribute of 32 bits.
func number(kind uint16, value int) []byte {
	return attribute(kind, binary.NativeEndian.AppendUint32(nil, uint32(value)))
}

func cString(s string) []byte { return append([]byte(s), 0) }

// attribute is a netlink attribute with its padding.
func attribute(kind uint16, value []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(syscall.SizeofRtAttr+len(value)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), value...)
	return append(b, make([]byte, -len(b)&(syscall.RTA_ALIGNTO-1))...)
}

// netlink sends one request and waits for its acknowledgement.
func netlink(kind, flags uint16, payload []byte) error {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer syscall.Close(fd)
	request := binary.NativeEndian.AppendUint32(nil, uint32(syscall.SizeofNlMsghdr+len(payload)))
	request = binary.NativeEndian.AppendUint16(request, kind)
	request = binary.NativeEndian.AppendUint16(request, flags|syscall.NLM_F_REQUEST|syscall.NLM_F_ACK)
	// sequence number and sender: not needed
	request = append(append(request, make([]byte, 8)...), payload...)
	if err := syscall.Sendto(fd, request, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	answer := make([]byte, 8192)
	n, _, err := syscall.Recvfrom(fd, answer, 0)
	if err != nil {
		return os.NewSyscallError("recvfrom", err)
	}
	if n < syscall.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(answer[4:]) != syscall.NLMSG_ERROR {
		return errors.New("netlink: no acknowledgement")
	}
	if errno := int32(binary.NativeEndian.Uint32(answer[syscall.SizeofNlMsghdr:])); errno != 0 {
		return os.NewSyscallError("netlink", syscall.Errno(-errno))
	}
	return nil
}
