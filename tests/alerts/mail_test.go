package alerts

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/heliograph-net/heliograph/alerts"
	heliomail "github.com/heliograph-net/heliograph/alerts/mail"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/model"
)

// post is a mail server for one user, who has to use TLS.
type post struct {
	addr string
	ca   *devca.CA

	mu    sync.Mutex
	mails []string
	full  bool // refuses
	gone  bool // knows no address
	spam  bool // takes no text
}

func (p *post) received() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.mails...)
}

func (p *post) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{post: p}, nil }

type session struct {
	*post
	known bool
	to    []string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if s.known = user == "heliograph" && password == "pass word"; !s.known {
			return errors.New("nobody of that name")
		}
		return nil
	}), nil
}
func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }
func (s *session) Mail(string, *smtp.MailOptions) error {
	if !s.known {
		return smtp.ErrAuthRequired
	}
	return nil
}
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "nobody of that name"}
	}
	s.to = append(s.to, to)
	return nil
}
func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spam {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "looks like spam"}
	}
	if s.full {
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "mailbox full"}
	}
	s.mails = append(s.mails, "To: "+strings.Join(s.to, " ")+"\n"+string(b))
	return nil
}

func newPost(t *testing.T, implicit bool) *post {
	t.Helper()
	ca, err := devca.New("mail")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue(time.Now().Add(time.Hour), "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &post{addr: l.Addr().String(), ca: ca}
	server := smtp.NewServer(p)
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	if implicit {
		l = tls.NewListener(l, server.TLSConfig)
	}
	done := make(chan error)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return p
}

func TestMail(t *testing.T) {
	p := newPost(t, false)
	s, err := heliomail.New(heliomail.Options{Server: p.addr, Username: "heliograph", Password: "pass word", Roots: p.ca.Pool(),
		From: "Heliograph <heliograph@example.net>", To: []string{"ops@example.net", "boss@example.net"}})
	if err != nil {
		t.Fatal(err)
	}
	state := notify(t, alerts.Receiver{Name: "team", Sender: s})
	p.mu.Lock()
	p.full = true
	p.mu.Unlock()
	i := incident(1, model.NetworkPath)
	save(t, state, model.Opened, i)
	time.Sleep(1500 * time.Millisecond)
	p.mu.Lock()
	p.full = false
	p.mu.Unlock()
	until(t, "a mail", func() bool { return len(p.received()) == 1 })
	save(t, state, model.Cleared, i)
	until(t, "its end", func() bool { return len(p.received()) == 2 })
	first, second := parse(t, p.received()[0]), parse(t, p.received()[1])
	if want := "[Heliograph] " + i.Title; first.subject != want || second.subject != "[Heliograph] Over: "+i.Title {
		t.Errorf("subjects %q and %q", first.subject, second.subject)
	}
	for _, want := range []string{i.Title, "The service works, but the way to it", "40 of 40 requests failed where 0.4 were to be expected.",
		"https://page.test", "https://runbooks.test/network-path.md", "Since "} {
		if !strings.Contains(first.body, want) {
			t.Errorf("%q is not in\n%s", want, first.body)
		}
	}
	if first.thread == "" || first.thread != second.thread || !strings.Contains(p.received()[0], "To: ops@example.net boss@example.net") {
		t.Errorf("threads %q and %q in\n%s", first.thread, second.thread, p.received()[0])
	}
}

// TestMailThatIsRefused: a mail that the server does not take is refused. An address that it does
// not know is tried again, since no mail to it would be taken until that is mended.
func TestMailThatIsRefused(t *testing.T) {
	p := newPost(t, false)
	s, err := heliomail.New(heliomail.Options{Server: p.addr, Username: "heliograph", Password: "pass word", Roots: p.ca.Pool(), From: "h@example.net", To: []string{"ops@example.net"}})
	if err != nil {
		t.Fatal(err)
	}
	m := &alerts.Message{ID: "1", Alerts: []alerts.Alert{{Status: alerts.Firing, Summary: "down"}}}
	for name, refuse := range map[string]*bool{"the text": &p.spam, "the address": &p.gone} {
		p.mu.Lock()
		*refuse = true
		p.mu.Unlock()
		if err := s.Send(t.Context(), m); err == nil || errors.Is(err, alerts.ErrRefused) != (refuse == &p.spam) {
			t.Errorf("%s: %v", name, err)
		}
		p.mu.Lock()
		*refuse = false
		p.mu.Unlock()
	}
}

// TestMailByConfiguration: TLS from the first byte; a wrong password is told, and is not in what is
// told.
func TestMailByConfiguration(t *testing.T) {
	p := newPost(t, true)
	server := fmt.Sprintf("server: %q, tls: tls, ca: ca.pem, from: h@example.net, to: [ops@example.net], username: heliograph", p.addr)
	c := config(t, "    - {name: good, kind: mail, "+server+", password_file: good}\n    - {name: bad, kind: mail, "+server+", password_file: bad}\n",
		map[string]string{"ca.pem": string(p.ca.PEM()), "good": "pass word\n", "bad": "guessed\n"})
	var out bytes.Buffer
	err := roles.TestAlerts(t.Context(), c, &out)
	if err == nil || !strings.Contains(out.String(), "good                 took") || !strings.Contains(out.String(), "bad                  failed") ||
		strings.Contains(out.String(), "guessed") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if len(p.received()) != 2 {
		t.Errorf("%d mails", len(p.received()))
	}
}

type parsed struct{ subject, thread, body string }

func parse(t *testing.T, text string) parsed {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	if m.Header.Get("Message-Id") == "" || m.Header.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("headers %v", m.Header)
	}
	return parsed{m.Header.Get("Subject"), m.Header.Get("References"), string(body)}
}
