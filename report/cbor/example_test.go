package cbor_test

import (
	"fmt"

	"github.com/heliograph-net/heliograph/report/cbor"
)

// A decoder keeps its first error, so it is enough to check once at the end.
func Example() {
	b := cbor.AppendText(cbor.AppendUint(cbor.AppendMap(nil, 1), 7), "seven")
	d := cbor.New(b)
	var key uint64
	for range d.Map(4) {
		key = d.Key(key)
		fmt.Println(key, d.Text(16))
	}
	fmt.Println(d.Done())
	// Output:
	// 7 seven
	// <nil>
}
