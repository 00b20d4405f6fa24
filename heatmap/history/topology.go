package history

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/heliograph-net/heliograph/heatmap"
)

// A topology is compressed as a whole. Unpacked it is the number of servers, and runs: a number
// that is twice the run's length, plus 1 if the servers are those from an index of the topology
// before on, which follows. Otherwise the servers follow. Each is a byte that says which of its
// labels are those of the server before, the other labels, and how many bytes its name and its
// address share with those of the server before, and the rest of them.
const (
	sameRegion = 1 << iota
	sameCentre
	sameCluster
	sameRow
)

// encodeTopology returns the payload for t. If before is not nil, it refers to it.
func encodeTopology(t, before *heatmap.Topology) []byte {
	var out bytes.Buffer
	packed, _ := flate.NewWriter(&out, flate.BestSpeed) // the level is valid
	// keeps errors until Flush; a Buffer has none
	w := bufio.NewWriter(packed)
	putNumber(w, t.Len())
	last := heatmap.Server{}
	for i := 0; i < t.Len(); {
		from, n := shared(t, before, i)
		if n > 0 {
			putNumber(w, 2*n+1)
			putNumber(w, from)
			i += n
			continue
		}
		for n = 1; i+n < t.Len(); n++ {
			if _, same := shared(t, before, i+n); same > 0 {
				break
			}
		}
		putNumber(w, 2*n)
		for end := i + n; i < end; i++ {
			s := t.Server(i)
			putServer(w, s, last)
			last = s
		}
	}
	_ = w.Flush()
	_ = packed.Close()
	return out.Bytes()
}

// shared returns the servers from i on that before has as well, from an index on, in the same order
// and place.
func shared(t, before *heatmap.Topology, i int) (from, n int) {
	if before == nil {
		return 0, 0
	}
	from, ok := before.ByName(t.Server(i).Name)
	for ok && i+n < t.Len() && from+n < before.Len() && t.Server(i+n) == before.Server(from+n) {
		n++
	}
	return from, n
}

func putNumber(w *bufio.Writer, n int) {
	_, _ = w.Write(binary.AppendUvarint(w.AvailableBuffer(), uint64(n)))
}

func putText(w *bufio.Writer, s string) {
	putNumber(w, len(s))
	_, _ = w.WriteString(s)
}

func putServer(w *bufio.Writer, s, last heatmap.Server) {
	flags := byte(0)
	labels, before := labelsOf(&s), labelsOf(&last)
	for bit := range labels {
		if *labels[bit] == *before[bit] {
			flags |= 1 << bit
		}
	}
	_ = w.WriteByte(flags)
	for bit, label := range labels {
		if flags&(1<<bit) == 0 {
			putText(w, *label)
		}
	}
	for _, pair := range [...][2]string{{s.Name, last.Name}, {s.Address, last.Address}} {
		n := 0
		for n < min(len(pair[0]), len(pair[1])) && pair[0][n] == pair[1][n] {
			n++
		}
		putNumber(w, n)
		putText(w, pair[0][n:])
	}
}

func labelsOf(s *heatmap.Server) [4]*string {
	return [...]*string{&s.Region, &s.DataCentre, &s.Cluster, &s.Row}
}

// decodeTopology is the inverse of encodeTopology.
func decodeTopology(payload []byte, before *heatmap.Topology) (*heatmap.Topology, error) {
	r := topologyReader{Reader: bufio.NewReader(flate.NewReader(bytes.NewReader(payload))), before: before}
	n := r.number(heatmap.MaxServers)
	servers := make([]heatmap.Server, 0, min(n, mostServers(payload, before)))
	for r.err == nil && len(servers) < n {
		servers = r.run(servers, n)
	}
	if _, err := r.ReadByte(); r.err == nil && !errors.Is(err, io.EOF) {
		r.fail("bytes behind the last server")
	}
	if r.err != nil {
		return nil, r.err
	}
	t, err := heatmap.NewTopology(servers)
	if err != nil {
		return nil, fmt.Errorf("a stored topology: %w: %w", ErrCorrupt, err)
	}
	for i := range servers {
		if t.Server(i) != servers[i] {
			return nil, fmt.Errorf("a stored topology is not in order: %w", ErrCorrupt)
		}
	}
	return t, nil
}

// mostServers returns how many servers a valid payload has at most: one takes 5 bytes at
// least, unless it is one of those before, and DEFLATE packs 1,032 bytes into one at best.
func mostServers(payload []byte, before *heatmap.Topology) int {
	most := len(payload) * 1032 / 5
	if before != nil {
		most += before.Len()
	}
	return most
}

// topologyReader reads an unpacked topology. It keeps the first error in err.
type topologyReader struct {
	*bufio.Reader
	before *heatmap.Topology
	last   heatmap.Server
	labels *strings.Builder // holds many labels, so that they are not allocated one by one
	err    error
}

func (r *topologyReader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("topology: %s: %w", what, ErrCorrupt)
	}
}

func (r *topologyReader) number(most int) int {
	v, err := binary.ReadUvarint(r)
	if err != nil || v > uint64(most) {
		r.fail("a number is torn or too large")
		return 0
	}
	return int(v)
}

// run appends a run of servers, of n in all.
func (r *topologyReader) run(servers []heatmap.Server, n int) []heatmap.Server {
	length := r.number(2*heatmap.MaxServers + 1)
	refers := length&1 != 0
	if length >>= 1; length == 0 || len(servers)+length > n {
		r.fail("a run has no servers, or too many")
		return servers
	}
	if !refers {
		for ; length > 0 && r.err == nil; length-- {
			servers = append(servers, r.server())
		}
		return servers
	}
	from := r.number(heatmap.MaxServers)
	if r.before == nil || from+length > r.before.Len() {
		r.fail("a run refers to servers that are not there")
		return servers
	}
	for i := range length {
		servers = append(servers, r.before.Server(from+i))
	}
	return servers
}

func (r *topologyReader) server() heatmap.Server {
	flags, err := r.ReadByte()
	if err != nil || flags > sameRegion|sameCentre|sameCluster|sameRow {
		r.fail("a server is torn")
		return heatmap.Server{}
	}
	s := r.last
	for bit, label := range labelsOf(&s) {
		if flags&(1<<bit) == 0 {
			*label = r.text("")
		}
	}
	s.Name, s.Address = r.text(s.Name[:r.number(len(s.Name))]), r.text(s.Address[:r.number(len(s.Address))])
	r.last = s
	return s
}

// text reads a string that begins with the given bytes.
func (r *topologyReader) text(begin string) string {
	rest, err := r.Peek(r.number(heatmap.MaxLabel)) // which the reader's buffer has room for
	if err != nil {
		r.fail("a label is torn")
	}
	if n := len(begin) + len(rest); r.labels == nil || r.labels.Cap()-r.labels.Len() < n {
		r.labels = new(strings.Builder) // the strings keep the one before
		r.labels.Grow(max(n, 32<<10))
	}
	at := r.labels.Len()
	r.labels.WriteString(begin)
	r.labels.Write(rest)
	_, _ = r.Discard(len(rest)) // as many as were there
	return r.labels.String()[at:]
}
