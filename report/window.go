package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/heliograph-net/heliograph/report/cbor"
)

// Keys of a window's map.
const (
	windowEnd      = 1
	windowLength   = 2
	windowSampled  = 3
	windowStrings  = 4
	windowCounters = 5
)

// counterItems is how many items a counter has: indices of target, outcome, protocol and server
// into the window's strings, then status, flags and count.
const counterItems = 7

// Compare orders counters by Target, Outcome, Protocol, Server (all as bytes), Status and Flags.
// It ignores Count; the result is 0 if the keys are equal.
func (c Counter) Compare(o Counter) int {
	if n := strings.Compare(c.Target, o.Target); n != 0 {
		return n
	}
	if n := strings.Compare(string(c.Outcome), string(o.Outcome)); n != 0 {
		return n
	}
	if n := strings.Compare(c.Protocol, o.Protocol); n != 0 {
		return n
	}
	if n := strings.Compare(c.Server, o.Server); n != 0 {
		return n
	}
	if n := cmp.Compare(c.Status, o.Status); n != 0 {
		return n
	}
	return cmp.Compare(c.Flags, o.Flags)
}

// counterStrings returns every string that the counters use, sorted bytewise, without duplicates.
func counterStrings(counters []Counter) []string {
	table := make([]string, 0, 4*len(counters))
	for i := range counters {
		c := &counters[i]
		table = append(table, c.Target, string(c.Outcome), c.Protocol, c.Server)
	}
	slices.Sort(table)
	return slices.Compact(table)
}

func (w *Window) appendBody(dst []byte) []byte {
	table := counterStrings(w.Counters)
	f := newFields(dst)
	f.int(windowEnd, w.End)
	f.uint(windowLength, w.Length)
	f.uint(windowSampled, uint64(w.SampledPPM))
	f.key(windowStrings)
	f.b = appendStrings(f.b, table)
	f.key(windowCounters)
	f.b = cbor.AppendArray(f.b, len(w.Counters))
	for i := range w.Counters {
		f.b = appendCounter(f.b, &w.Counters[i], table)
	}
	return f.b
}

func appendCounter(dst []byte, c *Counter, table []string) []byte {
	dst = cbor.AppendArray(dst, counterItems)
	for _, s := range [...]string{c.Target, string(c.Outcome), c.Protocol, c.Server} {
		dst = cbor.AppendUint(dst, indexIn(table, s))
	}
	dst = cbor.AppendUint(dst, uint64(c.Status))
	dst = cbor.AppendUint(dst, uint64(c.Flags))
	return cbor.AppendUint(dst, c.Count)
}

func decodeWindow(d *cbor.Decoder) *Window {
	w := new(Window)
	var table stringTable
	var key uint64
	for range d.Fields(5) {
		switch key = d.Key(key); key {
		case windowEnd:
			w.End = readInt(d)
		case windowLength:
			w.Length = readUint(d, MaxAge)
		case windowSampled:
			w.SampledPPM = uint32(readUint(d, FullPPM))
		case windowStrings:
			table = decodeStrings(d, 4*MaxCounters)
		case windowCounters:
			w.Counters = decodeCounters(d, table)
		default:
			d.SkipField(key)
		}
	}
	return w
}

func decodeCounters(d *cbor.Decoder, table stringTable) []Counter {
	counters := make([]Counter, 0, d.Array(MaxCounters))
	str := func() string { return table.read(d) }
	for range cap(counters) {
		if d.Array(counterItems) != counterItems {
			d.Fail("want a counter of seven items")
			return nil
		}
		counters = append(counters, Counter{
			Target: str(), Outcome: Outcome(str()), Protocol: str(), Server: str(),
			Status: uint16(bounded(d, MaxStatus)), Flags: Flags(bounded(d, 0xff)), Count: bounded(d, MaxCount),
		})
	}
	if table.unused() {
		d.Fail("a string that no counter uses")
	}
	return counters
}

func (w *Window) validate() error {
	switch {
	case w == nil:
		return malformed("window", "is nil")
	case !within(w.End):
		return malformed("window", "end is further than MaxAge from the segment's birth")
	case w.Length == 0 || w.Length > MaxAge:
		return malformed("window", "length is zero or above MaxAge")
	case w.SampledPPM == 0 || w.SampledPPM > FullPPM:
		return malformed("window", "sampled is not 1 to FullPPM")
	case len(w.Counters) == 0:
		return malformed("window", "no counters")
	case len(w.Counters) > MaxCounters:
		return tooLarge("window", "more than MaxCounters counters")
	}
	for i := range w.Counters {
		c := &w.Counters[i]
		if fault := c.fault(); fault != "" {
			return malformed("window", "counter "+strconv.Itoa(i)+": "+fault)
		}
		if i > 0 && w.Counters[i-1].Compare(*c) >= 0 {
			return malformed("window", "counter "+strconv.Itoa(i)+": not sorted, or its key is there twice")
		}
	}
	return nil
}

// fault says what breaks c's rules, or "".
func (c *Counter) fault() string {
	switch {
	case nameFault(c.Target, MaxString) != "":
		return "target is " + nameFault(c.Target, MaxString)
	case !c.Outcome.Valid():
		return "outcome is not valid"
	case textFault(c.Protocol, MaxString) != "":
		return "protocol is " + textFault(c.Protocol, MaxString)
	case textFault(c.Server, MaxString) != "":
		return "server is " + textFault(c.Server, MaxString)
	case c.Status > MaxStatus:
		return "status is above MaxStatus"
	case c.Count == 0 || c.Count > MaxCount:
		return "count is zero or above MaxCount"
	}
	return ""
}
