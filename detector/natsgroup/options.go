package natsgroup

import (
	"fmt"
	"log/slog"
	"regexp"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/natsjs"
)

// Options are the options of a [Group]. ID, Member and Servers are required.
type Options struct {
	ID     string // of the group: its members have it in common; letters, digits, _ and -
	Member string // of this member; no other one has it
	// Servers are URLs of NATS servers, such as nats://127.0.0.1:4222. All members must reach each
	// other through them.
	Servers          []string
	Credentials      string // path of a file with a user's JWT and seed (.creds); "": none
	CA               string // path of PEM certificates that sign the servers'; "": the system's
	Certificate, Key string // paths of the PEM certificate and key of this client; "": none

	Logger  *slog.Logger          // nil: no logging
	Metrics prometheus.Registerer // nil: no metrics
}

// name has what the name of a group or a member may be: both are parts of subjects.
var name = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Validate says what is wrong with the options. It does not connect.
func (o *Options) Validate() error {
	connection := o.connection()
	switch {
	case !name.MatchString(o.ID):
		return fmt.Errorf("id %q: give 1 to 64 letters, digits, _ or -", o.ID)
	case !name.MatchString(o.Member):
		return fmt.Errorf("member %q: give 1 to 64 letters, digits, _ or -", o.Member)
	}
	return connection.Validate()
}

func (o *Options) connection() natsjs.Options {
	return natsjs.Options{Servers: o.Servers, Credentials: o.Credentials, CA: o.CA, Certificate: o.Certificate, Key: o.Key}
}

// subject returns the subject of a member's messages of a kind; both may be "*".
func (o *Options) subject(kind, member string) string {
	return "heliograph.group." + o.ID + "." + kind + "." + member
}
