package diskspool_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/report"
)

// The spool lies in a directory that only the application uses, below os.UserCacheDir as a rule.
// What one run could not deliver, the next one does.
func ExampleOpen() {
	home, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(home)
	dir := filepath.Join(home, "reports")
	op, err := agenttest.New() // stands for the operator
	if err != nil {
		log.Fatal(err)
	}
	defer op.Close()

	run := func() *agent.Agent {
		spool, err := diskspool.Open(dir, diskspool.Options{MaxBytes: 1 << 20, MaxAge: 24 * time.Hour})
		if err != nil {
			log.Fatal(err)
		}
		o := op.Options(report.Counts)
		o.Spool = spool
		a, err := agent.New(o)
		if err != nil {
			log.Fatal(err)
		}
		return a
	}

	op.Unreachable()
	first := run()
	first.Observe(agent.Observation{Scheme: "https", Host: "shop.example", Outcome: report.TCPReset})
	fmt.Println(first.Shutdown(context.Background()) != nil, first.Stats().Pending)

	op.Accept()
	second := run()
	fmt.Println(second.Shutdown(context.Background()) != nil, second.Stats().Pending)
	fmt.Println(op.Seen().Count("https://shop.example", report.TCPReset))
	// Output:
	// true 1
	// false 0
	// 1
}
