// Package mail sends messages about alerts by SMTP. Start with [New].
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/heliograph-net/heliograph/alerts"
)

// Security says how the connection to a mail server is protected.
type Security string

// The levels of security.
const (
	StartTLS Security = "starttls" // TLS after a plain greeting, and no mail without it; port 587
	TLS      Security = "tls"      // TLS from the first byte; port 465
	None     Security = "none"     // no TLS, for a server on this host
)

// Options are the options of a [Sender].
type Options struct {
	Server   string   // host:port
	Security Security // "": StartTLS
	Username string   // "": no authentication
	Password string
	From     string   // an address, with or without a name
	To       []string // addresses
	// Roots are trusted to sign the server's certificate; nil: the system's roots.
	Roots *x509.CertPool
}

// Sender is an [alerts.Sender] that sends each message as one mail. It is safe for concurrent use.
type Sender struct {
	o    Options
	host string
	port int
	id   string // the part of message ids after the @
}

// New returns a Sender. It does not connect yet.
func New(o Options) (*Sender, error) {
	host, portText, err := net.SplitHostPort(o.Server)
	port, portErr := strconv.Atoi(portText)
	if err != nil || portErr != nil || host == "" || port < 1 || port > 65535 {
		return nil, fmt.Errorf("%q is not host:port of a mail server", o.Server)
	}
	from, err := mail.ParseAddress(o.From)
	if err != nil {
		return nil, fmt.Errorf("%q is not an address to send from", o.From)
	}
	if len(o.To) == 0 {
		return nil, errors.New("there is no address to send to")
	}
	for _, to := range o.To {
		if _, err := mail.ParseAddress(to); err != nil {
			return nil, fmt.Errorf("%q is not an address to send to", to)
		}
	}
	switch o.Security {
	case "", StartTLS, TLS, None:
	default:
		return nil, fmt.Errorf("%q is not one of %s, %s and %s", o.Security, StartTLS, TLS, None)
	}
	return &Sender{o: o, host: host, port: port, id: from.Address[strings.LastIndexByte(from.Address, '@')+1:]}, nil
}

// Send implements [alerts.Sender]. A message that is sent again has the same Message-ID.
func (s *Sender) Send(ctx context.Context, m *alerts.Message) error {
	msg, err := s.compose(m)
	if err != nil {
		return fmt.Errorf("%w: composing a mail: %w", alerts.ErrRefused, err)
	}
	c, err := s.client()
	if err != nil {
		return fmt.Errorf("sending a mail: %w", err)
	}
	if err := c.DialWithContext(ctx); err != nil {
		return fmt.Errorf("connecting to the mail server: %w", err)
	}
	defer c.Close() // the server has accepted the mail by then
	err = c.Send(msg)
	// A sender or an address that the server does not take is for somebody to mend, there or in the
	// configuration, and says nothing about this mail.
	if e, ok := errors.AsType[*gomail.SendError](err); ok && e.ErrorCode()/100 == 5 && (e.Reason == gomail.ErrSMTPData || e.Reason == gomail.ErrSMTPDataClose) {
		return fmt.Errorf("%w: %w", alerts.ErrRefused, err)
	}
	return err
}

// timeout limits each step of a delivery: connecting and every command.
const timeout = 10 * time.Second

func (s *Sender) client() (*gomail.Client, error) {
	options := []gomail.Option{gomail.WithPort(s.port), gomail.WithTimeout(timeout),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.host, RootCAs: s.o.Roots, MinVersion: tls.VersionTLS12})}
	switch s.o.Security {
	case TLS:
		options = append(options, gomail.WithSSL())
	case None:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.o.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(s.o.Username), gomail.WithPassword(s.o.Password))
	}
	return gomail.NewClient(s.host, options...)
}

func (s *Sender) compose(m *alerts.Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(msg.From(s.o.From), msg.To(s.o.To...)); err != nil {
		return nil, err
	}
	texts := make([]string, len(m.Alerts))
	for i := range m.Alerts {
		texts[i] = m.Alerts[i].Text()
	}
	msg.Subject("[Heliograph] " + m.Subject())
	msg.SetDateWithValue(m.Made)
	msg.SetMessageIDWithValue(m.ID + "@" + s.id)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies
	// all mails about an incident are one thread
	if len(m.Alerts) == 1 {
		msg.SetGenHeader(gomail.HeaderReferences, fmt.Sprintf("<%s@%s>", strings.ReplaceAll(m.Alerts[0].Key, "/", "."), s.id))
	}
	msg.SetBodyString(gomail.TypeTextPlain, strings.Join(texts, "\n\n----\n\n")+"\n")
	return msg, nil
}
