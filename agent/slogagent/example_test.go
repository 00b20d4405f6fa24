package slogagent_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/agent/slogagent"
	"github.com/heliograph-net/heliograph/report"
)

// What the application logs as an error is reported, too. Of its attributes only those whose keys
// are named leave the device.
func ExampleNew() {
	op, err := agenttest.New() // stands for the operator
	if err != nil {
		log.Fatal(err)
	}
	defer op.Close()
	a, err := agent.New(op.Options(report.Diagnostics))
	if err != nil {
		log.Fatal(err)
	}
	defer a.Shutdown(context.Background())

	own := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	h := slogagent.New(a, own, slogagent.Options{Keys: []string{"op"}})
	logger := slog.New(h)
	logger.Info("cart opened")
	logger.Error("cart not saved", "op", "save", "user", "anna")

	_ = h.Shutdown(context.Background()) // before the agent's
	_ = a.Flush(context.Background())
	for _, e := range op.Seen().Errors {
		fmt.Println("reported:", e.Message)
	}
	// Output:
	// level=INFO msg="cart opened"
	// level=ERROR msg="cart not saved" op=save user=anna
	// reported: cart not saved op=save
}
