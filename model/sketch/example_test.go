package sketch_test

import (
	"fmt"

	"github.com/heliograph-net/heliograph/model/sketch"
)

// The sets of two networks are merged into one. Clients that are in both count once.
func Example() {
	var here, there sketch.Clients
	key := sketch.Key{1} // of the day
	for token := range uint64(30) {
		here.Add(sketch.Hash(key, token))
		there.Add(sketch.Hash(key, token+20))
	}
	here.Merge(&there)
	fmt.Println(here.Count())
	// Output: 50
}
