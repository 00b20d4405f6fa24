package report

import (
	"bytes"

	"github.com/heliograph-net/heliograph/report/cbor"
)

// noticeClients is the one key of a deletion notice's map.
const noticeClients = 1

func (n *DeletionNotice) appendBody(dst []byte) []byte {
	f := newFields(dst)
	f.key(noticeClients)
	f.b = cbor.AppendArray(f.b, len(n.Clients))
	for i := range n.Clients {
		f.b = cbor.AppendBytes(f.b, n.Clients[i][:])
	}
	return f.b
}

func decodeDeletionNotice(d *cbor.Decoder) *DeletionNotice {
	n := new(DeletionNotice)
	var key uint64
	for range d.Fields(1) {
		if key = d.Key(key); key != noticeClients {
			d.SkipField(key)
			continue
		}
		n.Clients = make([][16]byte, 0, d.Array(MaxClients))
		for range cap(n.Clients) {
			n.Clients = append(n.Clients, readBytes16(d))
		}
	}
	return n
}

func (n *DeletionNotice) validate() error {
	if fault := n.fault(); fault != "" {
		return malformed(kindName(kindNotice), fault)
	}
	return nil
}

// fault says what breaks n's rules, or "".
func (n *DeletionNotice) fault() string {
	switch {
	case n == nil:
		return "is nil"
	case len(n.Clients) == 0:
		return "names no client"
	case len(n.Clients) > MaxClients:
		return "more than MaxClients clients"
	}
	last := [16]byte{}
	for i := range n.Clients {
		if bytes.Compare(n.Clients[i][:], last[:]) <= 0 {
			return "a client is zero, not sorted, or there twice"
		}
		last = n.Clients[i]
	}
	return ""
}
