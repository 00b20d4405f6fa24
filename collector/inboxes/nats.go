package inboxes

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/collector/natsinbox"
	"github.com/heliograph-net/heliograph/internal/configkind"
	"github.com/heliograph-net/heliograph/internal/salvage"
)

const natsKind = "nats"

// openTimeout is how long opening an inbox on servers may take.
const openTimeout = 30 * time.Second

// nats is an inbox in a stream of NATS JetStream, with a ledger in a file.
type nats struct {
	Kind          string   `yaml:"kind"` // "nats"
	Servers       []string `yaml:"servers"`
	Stream        string   `yaml:"stream"`
	Replicas      int      `yaml:"replicas"`
	Domain        string   `yaml:"domain"`
	Credentials   string   `yaml:"credentials"`
	CA            string   `yaml:"ca"`
	Certificate   string   `yaml:"certificate"`
	Key           string   `yaml:"key"`
	Monitor       string   `yaml:"monitor"`
	AssumeDurable bool     `yaml:"assume_durable"`
	Readers       []string `yaml:"readers"`
	Hub           struct {
		Stream  string   `yaml:"stream"`
		Domain  string   `yaml:"domain"`
		Readers []string `yaml:"readers"`
	} `yaml:"hub"`
	Ledger string `yaml:"ledger"` // path; the file remembers which batches were stored
}

func newNATS() kind { return &nats{Ledger: "ledger.db"} }

func (n *nats) Validate() error {
	if n.Ledger == "" {
		return configkind.ErrNoPath
	}
	o := n.options(Options{})
	return o.Validate()
}

func (n *nats) options(o Options) natsinbox.Options {
	below := func(path string) string {
		if path == "" {
			return ""
		}
		return configkind.Below(o.Dir, path)
	}
	return natsinbox.Options{Servers: n.Servers, Stream: n.Stream, Replicas: n.Replicas, Domain: n.Domain,
		Credentials: below(n.Credentials), CA: below(n.CA), Certificate: below(n.Certificate), Key: below(n.Key),
		Readers: n.Readers, Hub: n.Hub.Stream, HubDomain: n.Hub.Domain, HubReaders: n.Hub.Readers,
		Monitor: n.Monitor, AssumeDurable: n.AssumeDurable, MaxBytes: o.MaxBytes, MaxAge: o.MaxAge, Logger: o.Logger}
}

// Stream returns the options of the stream that has the inbox, if one has.
func (c *Config) Stream(o Options) (options natsinbox.Options, ok bool) {
	n, ok := c.choice.Options.(*nats)
	if !ok {
		return options, false
	}
	return n.options(o), true
}

// openQueue opens the stream.
func (n *nats) openQueue(o Options) (*natsinbox.Queue, error) {
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	return natsinbox.Open(ctx, n.options(o))
}

// repair does nothing: the batches are not in a file, and the ledger may be deleted.
func (*nats) repair(context.Context, string, func(string, int64)) ([]*salvage.Report, error) {
	return nil, nil
}
