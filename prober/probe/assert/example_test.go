package assert_test

import (
	"context"
	"fmt"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/assert"
)

func ExampleCompile() {
	rule, err := assert.Compile(`status == 200 && json.queue.depth < 100`)
	if err != nil {
		fmt.Println(err)
		return
	}
	r := probe.Result{Status: 200, Facts: probe.Facts{Body: []byte(`{"queue": {"depth": 7}}`)}}
	fmt.Println(rule.Holds(context.Background(), assert.Of(&r)))
	// Output: true <nil>
}
