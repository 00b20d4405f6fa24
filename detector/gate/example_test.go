package gate_test

import (
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector/gate"
)

// One network, one hour: of the release 60 of 2,000 requests fail, of the one before 100 of 10,000.
func ExampleCompare() {
	var cells []gate.Cell
	for m := range 60 {
		at := time.Unix(int64(60*m), 0)
		cells = append(cells, gate.Cell{At: at, ASN: 64501, Requests: 167, Troubles: 1.67, Reports: 20},
			gate.Cell{At: at, ASN: 64501, Release: true, Requests: 33, Troubles: 1, Reports: 5})
	}
	m := gate.Compare(gate.Failures, cells, 0.01, 0.02)
	fmt.Printf("%s: %.3f, %.3f to %.3f\n", m.State, m.Difference, m.Low, m.High)
	// Output: worse: 0.020, 0.007 to 0.034
}
