package ohttp

import "testing"

// BenchmarkExchange measures the cryptography of one request of 4 KiB and its response, on
// both sides.
func BenchmarkExchange(b *testing.B) {
	for name, kem := range map[string]KEM{"MLKEM768X25519": MLKEM768X25519(), "X25519": X25519()} {
		g := gateway(b, key(b, 1, kem, 1))
		configs, err := ParseKeyConfigs(g.Configs(), kem)
		if err != nil {
			b.Fatal(err)
		}
		message := make([]byte, 4096)
		b.Run(name+"/client", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := configs[0].Encapsulate(message); err != nil {
					b.Fatal(err)
				}
			}
		})
		sealed, _, err := configs[0].Encapsulate(message)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/gateway", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, reply, err := g.Decapsulate(sealed)
				if err == nil {
					_, err = reply.Seal(message)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
