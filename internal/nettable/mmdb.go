package nettable

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Limits of a database file.
const (
	maxDatabase = 1 << 30   // bytes; it is held in memory
	maxNames    = 1_000_000 // names of autonomous systems that are kept
)

// Fields names the fields of the records of a MaxMind database (MMDB). Each is a path of keys from
// the outside in, separated by dots. The zero value names the fields of MaxMind's own databases.
type Fields struct {
	ASN     string // a number, or a text such as "AS64501". "" means autonomous_system_number
	Country string // ISO 3166-1 alpha-2. "" means country.iso_code
	Name    string // of the autonomous system. "" means autonomous_system_organization
}

// Database is a MaxMind database. It is immutable and safe for concurrent use.
type Database struct {
	reader       *maxminddb.Reader
	asn, country []any
	names        map[uint32]string
	networks     int // records
}

// readDatabase reads a database. If a record does not have a field, its value is unknown. If no
// record has any of the fields, f must be wrong, so readDatabase returns an error.
func readDatabase(r io.Reader, f Fields) (*Database, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxDatabase+1))
	if err != nil {
		return nil, fmt.Errorf("network database: %w", err)
	}
	if len(b) > maxDatabase {
		return nil, fmt.Errorf("network database: larger than %d bytes", maxDatabase)
	}
	d := &Database{asn: fieldPath(f.ASN, "autonomous_system_number"), country: fieldPath(f.Country, "country.iso_code"),
		names: make(map[uint32]string)}
	if d.reader, err = maxminddb.OpenBytes(b); err != nil {
		return nil, fmt.Errorf("network database: %w", err)
	}
	if err := d.scan(fieldPath(f.Name, "autonomous_system_organization")); err != nil {
		return nil, fmt.Errorf("network database: %w", err)
	}
	return d, nil
}

func fieldPath(keys, def string) (path []any) {
	if keys == "" {
		keys = def
	}
	for key := range strings.SplitSeq(keys, ".") {
		path = append(path, key)
	}
	return path
}

// scan collects the names. It reads every record once, so that errors in the file are found now.
func (d *Database) scan(name []any) error {
	useful := false
	for r := range d.reader.Networks() {
		d.networks++
		if err := r.Err(); err != nil {
			return err
		}
		n, err := d.network(r)
		if err != nil {
			return fmt.Errorf("record of %v: %w", r.Prefix(), err)
		}
		useful = useful || n.asn != 0 || n.country != unknownCountry
		if _, named := d.names[n.asn]; named || n.asn == 0 || len(d.names) >= maxNames {
			continue
		}
		var s string
		if err := r.DecodePath(&s, name...); err == nil && s != "" {
			d.names[n.asn] = strings.ToValidUTF8(s[:min(len(s), maxName)], "")
		}
	}
	if !useful {
		return errors.New("no record has the fields that were asked for: which keys does it have?")
	}
	return nil
}

// network decodes a record.
func (d *Database) network(r maxminddb.Result) (n network, err error) {
	n.country = unknownCountry
	var asn any
	if err := r.DecodePath(&asn, d.asn...); err != nil {
		return n, err
	}
	switch v := asn.(type) {
	case uint64:
		n.asn = uint32(min(v, 1<<32-1))
	case string:
		number, err := strconv.ParseUint(strings.TrimPrefix(v, "AS"), 10, 32)
		if err != nil && v != "" {
			return n, fmt.Errorf("%q is no autonomous system", v)
		}
		n.asn = uint32(number)
	}
	var country string
	if err := r.DecodePath(&country, d.country...); err != nil {
		return n, err
	}
	if len(country) == 2 && country[0] >= 'A' && country[0] <= 'Z' && country[1] >= 'A' && country[1] <= 'Z' {
		n.country = country
	}
	return n, nil
}

// Lookup is like [Table.Lookup].
func (d *Database) Lookup(addr netip.Addr) (asn uint32, country string) {
	if !addr.IsValid() {
		return 0, unknownCountry
	}
	n, err := d.network(d.reader.Lookup(addr.Unmap().WithZone("")))
	if err != nil {
		// an IPv6 address in an IPv4 database; there are no other errors, because scan has read
		// every record
		return 0, unknownCountry
	}
	return n.asn, n.country
}

// Len returns the number of networks.
func (d *Database) Len() int { return d.networks }

// Name is like [Table.Name].
func (d *Database) Name(asn uint32) string { return d.names[asn] }
