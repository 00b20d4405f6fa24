package detector

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// memory is as much of both stores as a keeper needs, with faults to order.
type memory struct {
	Events
	appended []Batch // that were new
	forgot   []uint64
	series   []model.Series
	fail     string // the next step that fails, once
	steps    []string
	keys     map[int64]sketch.Key
	deleted  []uint64
	cursor   uint64
}

func (m *memory) step(name string) error {
	m.steps = append(m.steps, name)
	if m.fail == name {
		m.fail = ""
		return errors.New(name + " fails")
	}
	return nil
}

func (m *memory) Append(_ context.Context, page *FeedPage) (isNew []bool, err error) {
	if err := m.step("append"); err != nil {
		return nil, err
	}
	for _, b := range page.Batches {
		known := slices.ContainsFunc(m.appended, func(a Batch) bool { return a.ID == b.ID })
		if isNew = append(isNew, !known); !known {
			m.appended = append(m.appended, b)
		}
	}
	return isNew, nil
}

func (m *memory) Forget(_ context.Context, clients []uint64) error {
	m.forgot = append(m.forgot, clients...)
	return m.step("forget")
}

func (m *memory) EachSeries(_ context.Context, f func(model.Series) error) error {
	for _, s := range m.series {
		if err := f(s); err != nil {
			return err
		}
	}
	return m.step("series")
}

func (m *memory) Prune(context.Context, time.Time, Retention) error { return nil }

// memoryState is the state in a memory.
type memoryState struct {
	State
	*memory
}

func (m memoryState) SaveCursor(_ context.Context, page *FeedPage) error {
	if err := m.step("cursor"); err != nil {
		return err
	}
	m.cursor = page.Cursor
	return nil
}

func (m memoryState) SaveDeleted(_ context.Context, deletions []Deletion) error {
	for _, d := range deletions {
		m.deleted = append(m.deleted, d.Client)
	}
	return m.step("deletions")
}

func (m memoryState) Deleted(_ context.Context, clients []uint64) ([]uint64, error) {
	return slices.DeleteFunc(slices.Clone(clients), func(c uint64) bool { return !slices.Contains(m.deleted, c) }), nil
}

func (m memoryState) ClientKey(_ context.Context, at time.Time) (sketch.Key, error) {
	number := dayOf(at)
	if _, known := m.keys[number]; !known {
		m.keys[number] = sketch.Key{byte(len(m.keys) + 1)}
	}
	return m.keys[number], m.step("key")
}

func (m memoryState) Prune(_ context.Context, now time.Time, _ Retention) error {
	for number := range m.keys {
		if number < dayOf(now)-1 {
			delete(m.keys, number)
		}
	}
	return nil
}

func newMemory() (*memory, *keeper) {
	m := &memory{keys: map[int64]sketch.Key{}}
	return m, &keeper{events: m, state: memoryState{memory: m}, series: newLimiter()}
}

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func okCount(client uint64, end time.Time) model.Count {
	return model.Count{Series: model.Series{App: "shop", Target: shop, Outcome: report.OK}, Client: client, End: end, Raw: 1, Estimated: 1}
}

// A page whose storing breaks off anywhere is stored again, and nothing is lost, doubled or kept
// that must not be.
func TestKeeperStoresAPageAgainUntilItIsWhole(t *testing.T) {
	page := &FeedPage{Feed: "c1", Cursor: 9, Batches: []Batch{
		{ID: BatchNumber(1), Counts: []model.Count{okCount(7, noon)}, Samples: []model.Sample{{Client: 7}, {Client: 8}}},
		{ID: BatchNumber(2), Deleted: []uint64{7}, Received: noon},
	}}
	for _, fail := range []string{"", "deletions", "series", "key", "append", "forget", "cursor"} {
		m, k := newMemory()
		m.fail = fail
		isNew, err := k.store(t.Context(), page, noon)
		if fail != "" {
			if err == nil || m.cursor != 0 {
				t.Errorf("%s fails: %v, cursor %d", fail, err, m.cursor)
			}
			isNew, err = k.store(t.Context(), page, noon)
		}
		if err != nil || len(isNew) != 2 || m.cursor != 9 || len(m.appended) != 2 {
			t.Fatalf("after %q: %v %v, %d batches, cursor %d", fail, isNew, err, len(m.appended), m.cursor)
		}
		if samples := m.appended[0].Samples; len(samples) != 1 || samples[0].Client != 8 || !slices.Contains(m.forgot, 7) {
			t.Errorf("after %q: samples %+v, forgot %v", fail, samples, m.forgot)
		}
		if last := m.steps[len(m.steps)-1]; last != "cursor" {
			t.Errorf("after %q: the last step is %q", fail, last)
		}
	}
	if page.Batches[0].Counts[0].Client != 7 || len(page.Batches[0].Samples) != 2 {
		t.Error("the page itself has changed")
	}
}

func TestKeeperTakesNothingOfDeletedClients(t *testing.T) {
	m, k := newMemory()
	store := func(n uint64, b Batch) {
		t.Helper()
		b.ID = BatchNumber(n)
		if _, err := k.store(t.Context(), &FeedPage{Feed: "c1", Cursor: n, Batches: []Batch{b}}, noon); err != nil {
			t.Fatal(err)
		}
	}
	store(1, Batch{Deleted: []uint64{7}, Received: noon})
	store(2, Batch{Samples: []model.Sample{{Client: 7}, {Client: 9}}, Counts: []model.Count{okCount(7, noon)}})
	if b := m.appended[1]; len(b.Samples) != 1 || b.Samples[0].Client != 9 || len(b.Counts) != 1 {
		t.Errorf("%+v, want the other client's sample and all counts", b)
	}
}

// What follows some frames is found also when samples before it were taken out.
func TestFramesAreToldApartWithoutDeletedClients(t *testing.T) {
	m, k := newMemory()
	b := Batch{ID: BatchNumber(1)}
	for _, clients := range [][]uint64{{}, {7, 9}, {7}, {9, 7, 9}} {
		for _, c := range clients {
			b.Samples = append(b.Samples, model.Sample{Client: c})
		}
		b.EndFrame()
	}
	m.deleted = []uint64{7}
	if _, err := k.store(t.Context(), &FeedPage{Cursor: 1, Batches: []Batch{b}}, noon); err != nil {
		t.Fatal(err)
	}
	stored := m.appended[0]
	for frames, want := range []int{3, 3, 2, 2, 0} {
		if got := len(stored.After(frames).Samples); got != want {
			t.Errorf("after %d frames are %d samples, want %d", frames, got, want)
		}
	}
	if len(b.Samples) != 6 || b.Frames() != 4 || stored.Frames() != 4 {
		t.Errorf("the page has changed: %d samples in %d frames", len(b.Samples), b.Frames())
	}
}

// Clients are told apart within a UTC day, and by nobody who has not the day's key.
func TestKeeperHashesClientsByDay(t *testing.T) {
	m, k := newMemory()
	midnight := noon.Add(-12 * time.Hour)
	ends := []time.Time{noon, noon.Add(-time.Minute), midnight, midnight.Add(-23 * time.Hour), midnight.Add(time.Minute),
		noon.Add(-48 * time.Hour), noon.Add(-480 * time.Hour), noon.Add(24 * time.Hour)}
	var counts []model.Count
	for _, end := range ends {
		counts = append(counts, okCount(7, end))
	}
	counts = append(counts, okCount(8, noon))
	if _, err := k.store(t.Context(), &FeedPage{Cursor: 1, Batches: []Batch{{ID: BatchNumber(1), Counts: counts}}}, noon); err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, c := range m.appended[0].Counts {
		got = append(got, c.Client)
	}
	today, yesterday := got[0], got[2]
	// midnight ends the day before
	want := []uint64{today, today, yesterday, yesterday, today, today, today, today, got[8]}
	if !slices.Equal(got, want) || today == yesterday || got[8] == today || slices.Contains(got, 7) {
		t.Errorf("hashes %x, want them in the pattern %x", got, want)
	}
	if len(m.keys) != 2 {
		t.Errorf("%d keys were made, want those of two days", len(m.keys))
	}
	if err := k.prune(t.Context(), noon.Add(48*time.Hour), Retention{}); err != nil {
		t.Fatal(err)
	}
	if len(k.keys) != 0 || len(m.keys) != 0 {
		t.Error("a destroyed key is still in memory")
	}
}
