package sqlitestore

import (
	"database/sql"
	"maps"
	"slices"

	"github.com/heliograph-net/heliograph/detector"
)

// How much is in memory before cells are written, and what is kept after that. They are variables
// for tests.
var (
	maxDirty = 30_000   // cells that are not written
	maxPages = 64       // pages whose cells are not written
	maxLive  = 32 << 20 // bytes of cells that are written, about
)

// live has cells of recent bins in memory. The cells of a page are stored together in one row of
// table pending, and added to those in memory. Table cells gets the sums of many pages at once:
// before it is read, and when there is much in memory. It would cost several times as much to
// write them for every page.
//
// Memory always has what is in pending. It is read again from there after a transaction has failed
// or another process has written to the file. file.mu guards live.
type live struct {
	bins    map[int64]*liveBin
	read    bool  // false: pending must be read first
	version int64 // of the file, which changes when another process writes to it
	page    int64 // number of the present page
	pages   int   // rows of pending
	dirty   int   // cells that are not written
	size    int   // bytes, about
}

// liveBin has cells of a bin, by series.
type liveBin struct {
	live  *live
	cells map[int64]*liveCell
	dirty []int64 // series whose cells are not written
	// whole says that the cells are complete, so that they replace the stored ones. Otherwise they
	// are added to those.
	whole bool
	size  int
	used  int64 // by the page with this number
}

// liveCell is a cell, without its series.
type liveCell struct {
	detector.Cell
	dirty bool
	size  int
}

// What a bin takes besides its cells, and a cell besides its sketches, which take about twice as
// much as their encoding.
const (
	liveBinBytes  = 400
	liveCellBytes = 400
)

// forget drops everything, because stored cells may have been deleted or a transaction failed.
func (l *live) forget() { *l = live{} }

// begin makes memory agree with the file. damage tells of cells that could not be read.
func (l *live) begin(tx *sql.Tx) (damage, err error) {
	var version int64
	if err := tx.QueryRow("PRAGMA data_version").Scan(&version); err != nil {
		return nil, err
	}
	if l.read && version == l.version {
		return nil, nil
	}
	*l = live{bins: map[int64]*liveBin{}, version: version, read: true}
	return l.readPending(tx)
}

// add adds a cell, whose sketches take so many bytes. It keeps references to them.
func (l *live) add(tx *sql.Tx, series int64, c *detector.Cell, sketches int) error {
	b, err := l.bin(tx, c.End.UnixMilli())
	if err != nil {
		return err
	}
	whole := b.cells[series]
	if whole == nil {
		whole = &liveCell{Cell: detector.Cell{End: c.End, Raw: c.Raw, Estimated: c.Estimated, Clients: c.Clients, Spread: c.Spread, Places: c.Places}}
		b.cells[series] = whole
		b.weigh(whole, liveCellBytes)
	} else {
		whole.Merge(c)
	}
	b.weigh(whole, whole.size+2*sketches)
	if !whole.dirty {
		whole.dirty = true
		b.dirty = append(b.dirty, series)
		l.dirty++
	}
	return nil
}

// bin finds or makes a bin.
func (l *live) bin(tx *sql.Tx, end int64) (*liveBin, error) {
	b := l.bins[end]
	if b == nil {
		b = &liveBin{live: l, cells: map[int64]*liveCell{}, size: liveBinBytes}
		var stored bool
		if err := tx.QueryRow("SELECT EXISTS (SELECT 1 FROM cells WHERE bin = ?)", end).Scan(&stored); err != nil {
			return nil, err
		}
		b.whole = !stored
		l.bins[end] = b
		l.size += b.size
	}
	b.used = l.page
	return b, nil
}

// weigh notes how many bytes a cell takes.
func (b *liveBin) weigh(c *liveCell, size int) {
	more := size - c.size
	c.size, b.size, b.live.size = size, b.size+more, b.live.size+more
}

// full reports whether cells should be written.
func (l *live) full() bool { return l.dirty > maxDirty || l.pages > maxPages || l.size > 2*maxLive }

// flush writes all cells that are not written. It must follow begin.
func (l *live) flush(tx *sql.Tx) error {
	if l.pages == 0 {
		return nil
	}
	add, set := cellWriter{tx: tx, conflict: addCells}, cellWriter{tx: tx, conflict: setCells}
	defer add.close()
	defer set.close()
	// in the order of their keys in the table
	for _, end := range slices.Sorted(maps.Keys(l.bins)) {
		b := l.bins[end]
		w := &set
		if !b.whole {
			w = &add
		}
		if err := b.flush(w, end); err != nil {
			return err
		}
		if !b.whole {
			l.drop(end)
		}
	}
	if err := add.flush(); err != nil {
		return err
	}
	if err := set.flush(); err != nil {
		return err
	}
	if _, err := tx.Exec("DELETE FROM pending"); err != nil {
		return err
	}
	l.pages, l.dirty = 0, 0
	for l.size > maxLive {
		l.drop(l.oldest())
	}
	return nil
}

// flush writes the cells of a bin that are not written.
func (b *liveBin) flush(w *cellWriter, end int64) error {
	slices.Sort(b.dirty)
	for _, series := range b.dirty {
		c := b.cells[series]
		size, err := w.write(end, series, &c.Cell)
		if err != nil {
			return err
		}
		c.dirty = false
		b.weigh(c, liveCellBytes+2*size)
	}
	b.dirty = b.dirty[:0]
	return nil
}

// oldest returns the bin that was used least recently.
func (l *live) oldest() (oldest int64) {
	for end, b := range l.bins {
		if o := l.bins[oldest]; o == nil || b.used < o.used || b.used == o.used && end < oldest {
			oldest = end
		}
	}
	return oldest
}

// drop drops a bin, which must be written.
func (l *live) drop(end int64) {
	l.size -= l.bins[end].size
	delete(l.bins, end)
}
