package stores

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/detector/clickhousestore"
	"github.com/heliograph-net/heliograph/internal/configkind"
)

const clickhouseKind = "clickhouse"

// split is events in ClickHouse and the state in a file.
type split struct {
	Events clickhouse `yaml:"events"`
	State  string     `yaml:"state"` // path
}

// clickhouse says where events are.
type clickhouse struct {
	Kind         string `yaml:"kind"` // "clickhouse"
	Address      string `yaml:"address"`
	Database     string `yaml:"database"`
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`
	TLS          bool   `yaml:"tls"`
	CA           string `yaml:"ca"`      // PEM file; "": the system's
	Journal      string `yaml:"journal"` // path
}

func newSplit() *split {
	return &split{State: "store.db", Events: clickhouse{Journal: "events-journal.db"}}
}

func (s *split) Validate() error {
	e := &s.Events
	if e.Kind != clickhouseKind {
		return fmt.Errorf("events: kind %q is not %s; events in SQLite are store: {kind: sqlite, path: events.db, state: state.db}", e.Kind, clickhouseKind)
	}
	if s.State == "" || s.State == e.Journal {
		return errors.New("state must be the path of a file of its own")
	}
	if e.CA != "" && !e.TLS {
		return errors.New("events: ca needs tls: true")
	}
	o := clickhousestore.Options{Address: e.Address, Database: e.Database, Journal: e.Journal}
	if err := o.Validate(); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	return nil
}

// options reads the files that the configuration names.
func (s *split) options(dir string) (o clickhousestore.Options, err error) {
	e := &s.Events
	o = clickhousestore.Options{Address: e.Address, Database: e.Database, User: e.User, Journal: configkind.Below(dir, e.Journal)}
	if e.PasswordFile != "" {
		if o.Password, err = password(configkind.Below(dir, e.PasswordFile)); err != nil {
			return o, fmt.Errorf("events.password_file: %w", err)
		}
	}
	if !e.TLS {
		return o, nil
	}
	host, _, _ := net.SplitHostPort(e.Address)
	o.TLS = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if e.CA != "" {
		if o.TLS.RootCAs, err = authority(configkind.Below(dir, e.CA)); err != nil {
			return o, fmt.Errorf("events.ca: %w", err)
		}
	}
	return o, nil
}

// maxFile is the most bytes of a file that the configuration names.
const maxFile = 1 << 20

func password(path string) (string, error) {
	b, err := readFile(path)
	text := strings.TrimRight(string(b), "\r\n")
	return text, cmp.Or(err, checkPassword(text))
}

func checkPassword(text string) error {
	if text == "" || strings.ContainsAny(text, "\r\n") {
		return errors.New("is not a password in one line")
	}
	return nil
}

func authority(path string) (*x509.CertPool, error) {
	b, err := readFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("%s has no certificate in PEM", path)
	}
	return pool, nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), maxFile)
	}
	return os.ReadFile(path)
}

// Check reads the files that the configuration names, as [Config.Open] does, and returns what is to
// be told about it besides. Relative paths are below dir. It opens no store and no connection.
func (c *Config) Check(dir string) (warning string, err error) {
	s, ok := c.choice.Options.(*split)
	if !ok {
		return "", nil
	}
	if _, err := s.options(dir); err != nil {
		return "", err
	}
	host, _, _ := net.SplitHostPort(s.Events.Address)
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) && !s.Events.TLS {
		return fmt.Sprintf("events: what is stored at %s, and the password, are not encrypted on their way: set tls: true and the port of its tcp_port_secure", s.Events.Address), nil
	}
	return "", nil
}

// Look is what a look at the server of a store found.
type Look struct {
	Address, Database string
	Server            string // its version
	// Tables is the version of the tables, 0 if there are none, and Known that of this release,
	// which makes and upgrades them.
	Tables, Known int
	Rows          int64
	Clock         time.Duration // by how much the server's clock is ahead
}

// See asks the server of the events, if they are on one, within some seconds, and tries with tables
// of its own, which it drops again, what a detector does there. It returns nil if they are in a
// file. The error says what would keep a detector from storing there.
func (c *Config) See(ctx context.Context, dir string) (*Look, error) {
	s, ok := c.choice.Options.(*split)
	if !ok {
		return nil, nil
	}
	o, err := s.options(dir)
	if err != nil {
		return nil, err
	}
	o.Deadline = seeTimeout
	return see(ctx, o)
}

// seeTimeout is the time for one statement of a look.
const seeTimeout = 5 * time.Second
