package sqlitestore

import "encoding/binary"

// appendPlace appends a place in a chunk, which is greater than the last, as the distance from it:
// mostly one byte.
func appendPlace(b []byte, last *int, place int) []byte {
	b = binary.AppendUvarint(b, uint64(place-*last-1))
	*last = place
	return b
}

// places appends the places that appendPlace appended. It ignores what is damaged.
func places(to []int, b []byte) []int {
	for last := -1; len(b) > 0; {
		gap, n := binary.Uvarint(b)
		if n <= 0 || gap >= chunkSamples {
			break
		}
		if last += 1 + int(gap); last >= chunkSamples {
			break
		}
		to, b = append(to, last), b[n:]
	}
	return to
}
