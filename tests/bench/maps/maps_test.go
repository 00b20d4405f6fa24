package maps

import (
	"testing"

	"github.com/heliograph-net/heliograph/tests/bench/client"
)

func run(b *testing.B, cases []client.Case, err error) {
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range cases {
		b.Run(c.Name, c.Run)
	}
}

func BenchmarkSet(b *testing.B) {
	cases, err := Set()
	run(b, cases, err)
}

func BenchmarkCount(b *testing.B)      { run(b, Count(), nil) }
func BenchmarkDifference(b *testing.B) { run(b, Difference(), nil) }
func BenchmarkDelta(b *testing.B)      { run(b, Delta(), nil) }
func BenchmarkTopology(b *testing.B)   { run(b, Topology(), nil) }

func BenchmarkPicture(b *testing.B) {
	cases, err := Picture()
	run(b, cases, err)
}
