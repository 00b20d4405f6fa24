package clickhousestore

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// Options are the options of a store. Address and Journal are required.
type Options struct {
	Address  string // host and port of the native protocol
	Database string // it must exist; "" means [DefaultDatabase]
	User     string // "" means "default"
	Password string
	TLS      *tls.Config // nil: the connection is not encrypted
	Journal  string      // path of the journal; its directory must exist

	// Deadline is the time for one statement; 0 means 30 seconds.
	Deadline time.Duration
	// Lag is by how much answers to people may lag behind what was stored, which bounds how often
	// there are insertions. 0 means 2 seconds. Below 0, they do not lag.
	Lag time.Duration
	// MaxWaiting is how many bytes may wait in the journal; 0 means 1 GiB. If there are more,
	// Append fails, and the reports stay with the collectors.
	MaxWaiting int64
	Logger     *slog.Logger // nil: nothing is logged
}

// DefaultDatabase is the database if Options.Database is "".
const DefaultDatabase = "heliograph"

const (
	defaultUser       = "default"
	defaultDeadline   = 30 * time.Second
	defaultLag        = 2 * time.Second
	defaultMaxWaiting = 1 << 30
)

// Validate says what is wrong with the options.
func (o *Options) Validate() error {
	switch {
	case o.Address == "":
		return errors.New("address is missing: the host and port of ClickHouse's native protocol, such as 127.0.0.1:9000")
	case o.Journal == "":
		return errors.New("journal is missing: the path of a file")
	case o.Deadline < 0 || o.MaxWaiting < 0:
		return errors.New("neither a deadline nor a limit is negative")
	}
	return checkAddress(o.Address)
}

func (o Options) withDefaults() Options {
	o.Database, o.User = orElse(o.Database, DefaultDatabase), orElse(o.User, defaultUser)
	o.Deadline, o.MaxWaiting = orElse(o.Deadline, defaultDeadline), orElse(o.MaxWaiting, defaultMaxWaiting)
	o.Lag = orElse(o.Lag, defaultLag)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func checkAddress(address string) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("address %q is not a host and a port, such as 127.0.0.1:9000", address)
	}
	return nil
}
