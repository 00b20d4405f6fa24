package natsledger

import (
	"fmt"
	"log/slog"
	"regexp"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/natsjs"
)

const (
	defaultBucket   = "heliograph-faults"
	defaultReplicas = 3
)

// Options are the options of a [Ledger]. Member and Servers are required.
type Options struct {
	Member string // name of this detector; no other one that uses the ledger has it
	// Servers are URLs of NATS servers, such as nats://127.0.0.1:4222.
	Servers []string
	Domain  string // JetStream domain of the bucket; "" is that of the server
	Bucket  string // all who use the ledger have it in common; "" means heliograph-faults
	// Replicas is how many servers have the bucket if it must be made. 0 means 3.
	Replicas int

	Credentials      string // path of a file with a user's JWT and seed (.creds); "": none
	CA               string // path of PEM certificates that sign the servers'; "": the system's
	Certificate, Key string // paths of the PEM certificate and key of this client; "": none

	Logger  *slog.Logger          // nil: no logging
	Metrics prometheus.Registerer // nil: no metrics
}

var name = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Validate says what is wrong with the options. It does not connect.
func (o *Options) Validate() error {
	connection := o.connection()
	switch {
	case !name.MatchString(o.Member):
		return fmt.Errorf("member %q: give 1 to 64 letters, digits, _ or -", o.Member)
	case o.Bucket != "" && !name.MatchString(o.Bucket):
		return fmt.Errorf("bucket %q: give 1 to 64 letters, digits, _ or -", o.Bucket)
	case o.Replicas != 0 && o.Replicas != 1 && o.Replicas != 3 && o.Replicas != 5:
		return fmt.Errorf("replicas %d: give 1, 3 or 5", o.Replicas)
	}
	return connection.Validate()
}

func (o *Options) connection() natsjs.Options {
	return natsjs.Options{Servers: o.Servers, Domain: o.Domain, Credentials: o.Credentials, CA: o.CA, Certificate: o.Certificate, Key: o.Key}
}
