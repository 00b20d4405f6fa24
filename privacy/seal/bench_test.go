package seal

import "testing"

func BenchmarkSegment(b *testing.B) {
	key := openKey(b, 1)
	record := make([]byte, 1024)
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sealed(b, key.SealKey(), record)
		}
	})
	segment, ring := AppendEnd(sealed(b, key.SealKey(), record)), NewKeyring(key)
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := ring.Open(segment); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			if _, err := ParseSegment(segment); err != nil {
				b.Fatal(err)
			}
		}
	})
}
