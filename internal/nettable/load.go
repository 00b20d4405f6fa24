package nettable

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Limits of a table file.
const (
	maxRanges = 4_000_000 // ranges; iptoasn.com's combined table has about 700,000
	maxLine   = 1024      // bytes of a line without its line ending
	maxName   = 256       // bytes of an autonomous system's name
)

// Load reads a table with one range per line, whose fields are separated by tabs:
//
//	start  end  asn  country  [name]
//
// start and end are addresses of one family, and both belong to the range. asn is a decimal number,
// 0 for addresses that are not routed. country is two capital letters; empty, "None" and "ZZ" mean
// unknown. Lines may be in any order. Ranges must not overlap. Load ignores empty lines and lines
// that start with '#'. An error names the line at fault.
func Load(r io.Reader) (*Table, error) {
	l := loader{table: &Table{names: make(map[uint32]string)}, known: make(map[network]uint32)}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxLine+2), maxLine+2)
	line := 1
	for ; lines.Scan(); line++ {
		if err := l.add(line, lines.Text()); err != nil {
			return nil, fmt.Errorf("network table: line %d: %w", line, err)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("network table: line %d: longer than %d bytes", line, maxLine)
	} else if err != nil {
		return nil, fmt.Errorf("network table: reading line %d: %w", line, err)
	}
	if err := l.finish(); err != nil {
		return nil, fmt.Errorf("network table: %w", err)
	}
	return l.table, nil
}

// loader collects ranges in the order of the file.
type loader struct {
	table  *Table
	known  map[network]uint32 // index in table.networks
	lines4 []int              // line of each range in table.v4, for errors
	lines6 []int              // the same for table.v6
}

// add adds one line.
func (l *loader) add(number int, line string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	if len(line) > maxLine {
		return fmt.Errorf("longer than %d bytes", maxLine)
	}
	if l.table.Len() >= maxRanges {
		return fmt.Errorf("more than %d ranges", maxRanges)
	}
	fields := strings.Split(line, "\t")
	if len(fields) != 4 && len(fields) != 5 {
		return fmt.Errorf("want 4 or 5 fields separated by tabs (start, end, asn, country, name), have %d", len(fields))
	}
	start, end, err := parseRange(fields[0], fields[1])
	if err != nil {
		return err
	}
	n, err := parseNetwork(fields[2], fields[3])
	if err != nil {
		return err
	}
	if len(fields) == 5 {
		if err := l.name(n.asn, fields[4]); err != nil {
			return err
		}
	}
	index := l.index(n)
	if start.Is4() {
		l.table.v4 = append(l.table.v4, range4{number4(start), number4(end), index})
		l.lines4 = append(l.lines4, number)
	} else {
		l.table.v6 = append(l.table.v6, range6{start.As16(), end.As16(), index})
		l.lines6 = append(l.lines6, number)
	}
	return nil
}

func parseRange(from, to string) (start, end netip.Addr, err error) {
	if start, err = parseAddr(from); err != nil {
		return start, end, fmt.Errorf("start: %w", err)
	}
	if end, err = parseAddr(to); err != nil {
		return start, end, fmt.Errorf("end: %w", err)
	}
	if start.Is4() != end.Is4() {
		return start, end, errors.New("start and end are not of one address family")
	}
	if end.Less(start) {
		return start, end, errors.New("end lies before start")
	}
	return start, end, nil
}

func parseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return a, err
	}
	if a.Zone() != "" || a.Is4In6() {
		return a, errors.New("want a plain IPv4 or IPv6 address, without a zone and not mapped")
	}
	return a, nil
}

func parseNetwork(asn, country string) (network, error) {
	number, err := strconv.ParseUint(asn, 10, 32)
	if err != nil {
		return network{}, errors.New("asn: want a decimal number of at most 32 bits")
	}
	switch {
	case country == "" || country == "None":
		country = unknownCountry
	case len(country) != 2 || country[0] < 'A' || country[0] > 'Z' || country[1] < 'A' || country[1] > 'Z':
		return network{}, errors.New("country: want two capital letters (ISO 3166-1 alpha-2), None or nothing")
	}
	return network{uint32(number), country}, nil
}

func (l *loader) name(asn uint32, name string) error {
	if len(name) > maxName {
		return fmt.Errorf("name: longer than %d bytes", maxName)
	}
	if _, named := l.table.names[asn]; !named && asn != 0 && name != "" {
		l.table.names[asn] = strings.Clone(name)
	}
	return nil
}

// index returns the index of n in the table, and adds n if necessary.
func (l *loader) index(n network) uint32 {
	i, ok := l.known[n]
	if !ok {
		n.country = strings.Clone(n.country) // a substring would keep its whole line
		i = uint32(len(l.table.networks))
		l.table.networks = append(l.table.networks, n)
		l.known[n] = i
	}
	return i
}

// finish sorts the ranges and refuses overlaps.
func (l *loader) finish() error {
	byStart4 := func(a, b range4) int { return cmp.Compare(a.start, b.start) }
	byStart6 := func(a, b range6) int { return compare16(&a.start, &b.start) }
	sortWith(l.table.v4, l.lines4, byStart4)
	sortWith(l.table.v6, l.lines6, byStart6)
	for i := 1; i < len(l.table.v4); i++ {
		if l.table.v4[i].start <= l.table.v4[i-1].end {
			return overlap(l.lines4[i-1], l.lines4[i])
		}
	}
	for i := 1; i < len(l.table.v6); i++ {
		if compare16(&l.table.v6[i].start, &l.table.v6[i-1].end) <= 0 {
			return overlap(l.lines6[i-1], l.lines6[i])
		}
	}
	return nil
}

// overlap returns an error that names the later of two lines.
func overlap(a, b int) error {
	return fmt.Errorf("line %d: its range overlaps that of line %d", max(a, b), min(a, b))
}

// sortWith sorts ranges, and lines in the same way. If the file is already sorted, it
// takes one pass.
func sortWith[R any](ranges []R, lines []int, compare func(a, b R) int) {
	if slices.IsSortedFunc(ranges, compare) {
		return
	}
	type pair struct {
		r    R
		line int
	}
	pairs := make([]pair, len(ranges))
	for i := range ranges {
		pairs[i] = pair{ranges[i], lines[i]}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return compare(a.r, b.r) })
	for i, p := range pairs {
		ranges[i], lines[i] = p.r, p.line
	}
}
