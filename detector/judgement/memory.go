package judgement

import (
	"encoding/binary"
	"errors"
	"slices"
)

// What clients and sources said in the last minutes, one by one, is in a snapshot as packed numbers
// of 8 bytes, for there may be hundreds of thousands: else a client would count once more after
// each restart, and a client that had recovered would be forgotten.

type memoryForm struct {
	Voices  generationsForm `json:"voices"`
	Clients generationsForm `json:"clients"`
	Claims  generationsForm `json:"claims,omitzero"` // of one block; absent in older snapshots
}

// generationsForm is the older and the newer half of a memory.
type generationsForm struct {
	Generation int64  `json:"g"`
	Now        []byte `json:"n,omitempty"`
	Last       []byte `json:"l,omitempty"`
}

var errMemory = errors.New("restore: what was said in the last minutes is damaged")

func (j *Judge) memory() memoryForm {
	v, c := &j.voices, &j.clients
	return memoryForm{
		Voices:  generationsForm{v.generation, pack(&v.now, (*voice).numbers), pack(&v.last, (*voice).numbers)},
		Clients: generationsForm{c.generation, pack(&c.now, numbersOf), pack(&c.last, numbersOf)},
		Claims:  generationsForm{Generation: j.claims.block, Now: pack(&j.claims.by, numbersOfClaim)},
	}
}

func (j *Judge) restoreMemory(f *memoryForm) error {
	now, err := unpack(f.Voices.Now, 1, voiceOf)
	last, err2 := unpack(f.Voices.Last, 1, voiceOf)
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	if f.Voices.Generation != 0 {
		j.voices = voices{f.Voices.Generation, now, last}
	}
	clientsNow, err := unpack(f.Clients.Now, clientNumbers, clientStateOf)
	clientsLast, err2 := unpack(f.Clients.Last, clientNumbers, clientStateOf)
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	if j.claims.by, err = unpack(f.Claims.Now, 1, claimOf); err != nil {
		return err
	}
	j.claims.block = f.Claims.Generation
	if f.Clients.Generation != 0 {
		j.clients.generation, j.clients.now, j.clients.last = f.Clients.Generation, clientsNow, clientsLast
	}
	return nil
}

// pack packs the entries of a table in the order of their keys.
func pack[T any](t *table[T], numbers func(*T, []uint64) []uint64) (b []byte) {
	keys := make([]uint64, 0, t.len())
	for key := range t.each() {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var all []uint64
	for _, key := range keys {
		all = numbers(t.find(key), append(all[:0], key))
		for _, n := range all {
			b = binary.LittleEndian.AppendUint64(b, n)
		}
	}
	return b
}

// unpack reverses pack, for entries of n numbers besides the key.
func unpack[T any](b []byte, n int, of func(numbers []uint64) T) (t table[T], err error) {
	size := 8 * (n + 1)
	if len(b)%size != 0 {
		return t, errMemory
	}
	numbers := make([]uint64, n)
	for ; len(b) > 0; b = b[size:] {
		for i := range numbers {
			numbers[i] = binary.LittleEndian.Uint64(b[8*(i+1):])
		}
		*t.add(binary.LittleEndian.Uint64(b)) = of(numbers)
	}
	return t, nil
}

func (v *voice) numbers(b []uint64) []uint64 { return append(b, uint64(v.said)<<16|uint64(v.counted)) }

func voiceOf(n []uint64) voice { return voice{said: uint16(n[0] >> 16), counted: uint16(n[0])} }

// clientNumbers is how many numbers a clientState is packed into.
const clientNumbers = 6

func numbersOf(p **clientState, b []uint64) []uint64 {
	c, flags := *p, uint64(0)
	if c.mixed {
		flags |= 1
	}
	if c.held {
		flags |= 2
	}
	return append(b, uint64(c.first), uint64(c.last), uint64(c.ok), uint64(c.told), c.places, flags)
}

func clientStateOf(n []uint64) *clientState {
	return &clientState{first: int64(n[0]), last: int64(n[1]), ok: int64(n[2]), told: int64(n[3]), places: n[4], mixed: n[5]&1 != 0, held: n[5]&2 != 0}
}
