package idbspool

import (
	"bytes"
	"maps"
	"slices"
	"sync"

	"github.com/heliograph-net/heliograph/agent"
)

// memory is a database that lasts as long as the program.
type memory struct {
	mu   sync.Mutex // one transaction at a time
	data *tables    // nil if the database does not exist
	busy bool       // the upload lock is held
}

// tables are the contents of a database. Values are replaced and never modified.
type tables struct {
	rows  map[string]string
	parts map[string][][]byte
	blobs map[string][]byte
}

func newMemory() *memory { return new(memory) }

func newTables() *tables {
	return &tables{rows: make(map[string]string), parts: make(map[string][][]byte), blobs: make(map[string][]byte)}
}

func (m *memory) read(f func(t transaction) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.data == nil {
		return errAbsent
	}
	return f(m.data)
}

func (m *memory) write(create bool, f func(t transaction) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.data == nil && !create {
		return errAbsent
	}
	next := newTables()
	if m.data != nil {
		next = &tables{rows: maps.Clone(m.data.rows), parts: maps.Clone(m.data.parts), blobs: maps.Clone(m.data.blobs)}
	}
	err := f(next)
	if err == nil {
		m.data = next
	}
	return err
}

func (m *memory) lock() (unlock func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.busy {
		return nil, agent.ErrSpoolBusy
	}
	m.busy = true
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.busy = false
	}, nil
}

func (m *memory) delete() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data = nil
}

func (m *memory) close() {}

func (d *tables) segments() ([]string, error)       { return slices.Collect(maps.Values(d.rows)), nil }
func (d *tables) segment(id string) (string, error) { return d.rows[id], nil }
func (d *tables) putSegment(id, row string)         { d.rows[id] = row }
func (d *tables) deleteSegment(id string)           { delete(d.rows, id); delete(d.parts, id) }
func (d *tables) chunks(id string) ([]byte, error)  { return bytes.Join(d.parts[id], nil), nil }
func (d *tables) state(name string) ([]byte, error) { return slices.Clone(d.blobs[name]), nil }
func (d *tables) putState(name string, b []byte)    { d.blobs[name] = slices.Clone(b) }
func (d *tables) deleteState(name string)           { delete(d.blobs, name) }
func (d *tables) clear()                            { *d = *newTables() }

func (d *tables) putChunk(id string, n int, b []byte) {
	d.parts[id] = append(d.parts[id][:n:n], slices.Clone(b))
}
