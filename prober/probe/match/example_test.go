package match_test

import (
	"fmt"
	"log"

	"github.com/heliograph-net/heliograph/prober/probe/match"
)

func Example() {
	wanted, err := match.Compile("expect", []string{"^status: ", "ready"})
	if err != nil {
		log.Fatal(err)
	}
	for _, text := range []string{"status: ready", "status: starting"} {
		fmt.Println(wanted.Any(text), wanted.All(text))
	}
	// Output:
	// true true
	// true false
}

// A fault names the key that the patterns stand under.
func ExampleCompile() {
	_, err := match.Compile("expect", []string{"ready", "("})
	fmt.Println(err)
	// Output: expect[1]: error parsing regexp: missing closing ): `(`
}
