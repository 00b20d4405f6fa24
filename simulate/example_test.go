package simulate_test

import (
	"fmt"

	"github.com/heliograph-net/heliograph/simulate"
)

// counter counts the rows, failed requests and ticks that it gets.
type counter struct{ rows, failed, ticks int }

func (c *counter) Row(r simulate.Row) error {
	c.rows++
	if r.Outcome.Failed() {
		c.failed++
	}
	return nil
}
func (c *counter) Probe(simulate.Probe) error { return nil }
func (c *counter) Tick(int64) error           { c.ticks++; return nil }

func Example() {
	scenario, err := simulate.Parse("example.yaml", []byte(`
about: One of three servers refuses connections.
duration: 10m
world: {requests_per_second: 20, networks: 10, largest_network: 0.3, clients: 1000, servers: 3}
faults:
  - start: 5m
    duration: 3m
    outcomes: {tcp.refused: 1}
    scope: {server: ["192.0.2.2:443"]}
    verdict: server_group
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	var c counter
	if err := simulate.Run(scenario, 1, &c); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(simulate.Truths(scenario, 1)[0].Scope.Server, c.ticks, "seconds", c.failed > 500)
	// Output: [192.0.2.2:443] 600 seconds true
}
