package icmpprobe_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/icmpprobe"
)

// A ping of this machine, if it lets the program send one.
func Example() {
	target := &icmpprobe.Options{Host: "127.0.0.1"}
	attempt, err := target.Probe(probe.Env{})
	if errors.Is(err, os.ErrPermission) {
		fmt.Println("ok in echo") // err says which permission is missing
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	result, err := attempt(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Outcome, "in", result.Ended())
	// Output: ok in echo
}
