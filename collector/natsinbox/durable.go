package natsinbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/internal/natsjs"
)

// manyReplicas is the number of replicas at which a write survives the loss of any server: a
// majority has it before it is acknowledged.
const manyReplicas = 3

// maxMonitor is the maximum length of a monitoring port's answer, in bytes.
const maxMonitor = 1 << 20

// checkDurable refuses a stream that may lose what it has acknowledged, unless AssumeDurable is
// set. The default of a NATS server is to sync its files every two minutes.
func (q *Queue) checkDurable(ctx context.Context, c *jetstream.StreamConfig) error {
	if c.Replicas >= manyReplicas {
		return nil
	}
	doubt := q.doubt(ctx, c.Replicas)
	if doubt == "" {
		return nil
	}
	if q.o.AssumeDurable {
		q.o.Logger.Warn("receipts may promise more than the stream keeps", "stream", q.o.Stream, "because", doubt)
		return nil
	}
	return fmt.Errorf("stream %s is not known to be durable: %s", q.o.Stream, doubt)
}

// doubt returns why a stream with few replicas may lose acknowledged messages; "" if it does not.
func (q *Queue) doubt(ctx context.Context, replicas int) string {
	fewer := fmt.Sprintf("it has %d of %d replicas", replicas, manyReplicas)
	if q.o.Monitor == "" {
		return fewer + ", and without monitor (the URL of the server's monitoring port) it is not known whether the server syncs every write; give monitor, or three replicas"
	}
	always, err := syncsAlways(ctx, q.o.Monitor)
	switch {
	case err != nil:
		return fmt.Sprintf("%s, and asking whether the server syncs every write failed: %v", fewer, err)
	case !always:
		return fewer + ", and its server does not sync every write: set sync_interval: always in the jetstream section of its configuration, or use three replicas"
	}
	return ""
}

// syncsAlways asks the monitoring port of a server whether JetStream syncs every write.
func syncsAlways(ctx context.Context, monitor string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, natsjs.CallTimeout)
	defer cancel()
	url := strings.TrimSuffix(monitor, "/") + "/jsz"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return false, fmt.Errorf("%s answers %s", url, answer.Status)
	}
	var said struct {
		Config struct {
			SyncAlways bool `json:"sync_always"`
		} `json:"config"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxMonitor)).Decode(&said); err != nil {
		return false, fmt.Errorf("answer of %s: %w", url, err)
	}
	return said.Config.SyncAlways, nil
}
