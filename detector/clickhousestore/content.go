//go:build cgo

package clickhousestore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/internal/stored"
	"github.com/heliograph-net/heliograph/model"
)

// content is a row of the journal: what one call stored.
type content stored.Rows

func (c *content) empty() bool {
	return len(c.Batches)+len(c.Cells)+len(c.Samples)+len(c.Probes)+len(c.Sums)+len(c.Durations)+len(c.Moved)+len(c.Causes) == 0
}

func (c *content) encode() ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(c)
	return b.Bytes(), err
}

// addCells adds cells.
func (c *content) addCells(cells []detector.Cell) {
	for i := range cells {
		v := &cells[i]
		c.Cells = append(c.Cells, stored.Cell{Series: v.Series, Bin: v.End.UnixMilli(), Raw: v.Raw, Estimated: min(v.Estimated, math.MaxFloat64),
			Clients: v.Clients.Append(nil), Spread: v.Spread.Append(nil), Places: v.Places.Append(nil)})
	}
}

// decodeCell returns a cell. A sketch that is damaged is an error.
func decodeCell(r *stored.Cell) (c detector.Cell, err error) {
	c = detector.Cell{Series: r.Series, End: time.UnixMilli(r.Bin), Raw: r.Raw, Estimated: r.Estimated}
	if err := c.Clients.Decode(r.Clients); err != nil {
		return c, err
	}
	if err := c.Spread.Decode(r.Spread); err != nil {
		return c, err
	}
	return c, c.Places.Decode(r.Places)
}

// add adds the rows of o.
func (c *content) add(o *content) {
	c.Batches = append(c.Batches, o.Batches...)
	c.Cells = append(c.Cells, o.Cells...)
	c.Samples = append(c.Samples, o.Samples...)
	c.Probes = append(c.Probes, o.Probes...)
	c.Sums = append(c.Sums, o.Sums...)
	c.Durations = append(c.Durations, o.Durations...)
	c.Moved = append(c.Moved, o.Moved...)
	c.Causes = append(c.Causes, o.Causes...)
}

type cellKey struct {
	bin int64
	model.Series
}

// fold sums the cells of the same bin and series, so that a block of many rows of the journal has
// few.
func (c *content) fold() error {
	folded, err := c.folded()
	if err != nil {
		return fmt.Errorf("sums in the journal: %w", err)
	}
	c.Cells = nil
	c.addCells(folded)
	return nil
}

// folded returns the cells, those of the same bin and series summed, in the order of their bins.
func (c *content) folded() ([]detector.Cell, error) {
	at := map[cellKey]int{}
	var folded []detector.Cell
	for i := range c.Cells {
		r := &c.Cells[i]
		cell, err := decodeCell(r)
		if err != nil {
			return nil, err
		}
		key := cellKey{r.Bin, r.Series}
		if n, known := at[key]; known {
			folded[n].Merge(&cell)
			folded[n].Raw = most(folded[n].Raw)
			continue
		}
		cell.Raw = most(cell.Raw)
		at[key] = len(folded)
		folded = append(folded, cell)
	}
	slices.SortStableFunc(folded, func(a, b detector.Cell) int { return a.End.Compare(b.End) })
	return folded, nil
}

// seriesID returns the number of a series: 64 bits of a hash, so that whoever stores one need not
// ask for it. Somebody who invents series can at most make two of their own equal.
func seriesID(s *model.Series) uint64 {
	h := sha256.New()
	for _, text := range [...]string{s.App, s.Target, string(s.Outcome), s.Protocol, s.Server, s.Country} {
		var size [4]byte
		binary.BigEndian.PutUint32(size[:], uint32(len(text)))
		h.Write(size[:])
		h.Write([]byte(text))
	}
	var numbers [8]byte
	binary.BigEndian.PutUint16(numbers[:], s.Status)
	binary.BigEndian.PutUint32(numbers[2:], s.ASN)
	numbers[6], numbers[7] = byte(s.Source), byte(s.Flags)
	h.Write(numbers[:])
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// dayOf returns the UTC day of a time in Unix milliseconds, within what a Date of ClickHouse can
// be.
func dayOf(ms int64) time.Time {
	return time.UnixMilli(min(max(ms, 0), lastDay)).UTC().Truncate(24 * time.Hour)
}

// dayText returns dayOf as SQL compares it with a Date.
func dayText(ms int64) string { return dayOf(ms).Format(time.DateOnly) }

// lastDay is in the last day that a Date can be.
const lastDay = 65535 * 24 * 3600 * 1000

// most returns a number of requests as it is stored, so that sums do not overflow soon.
func most(n uint64) uint64 { return min(n, math.MaxInt64) }
