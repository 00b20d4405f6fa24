package tcpprobe_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
	"github.com/heliograph-net/heliograph/report"
)

// play is a server that says lines, and reads one where the script has "<" and what must begin it.
func play(script ...string) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		for _, line := range script {
			if want, reads := strings.CutPrefix(line, "<"); reads {
				if got, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(got, want) {
					return
				}
				continue
			}
			fmt.Fprintf(c, "%s\r\n", line)
		}
	}
}

func then(first, second func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) { first(c); second(c) }
}

func TestDialogues(t *testing.T) {
	ours := probetest.NewAuthority(t)
	starttls := func(script ...string) func(net.Conn) {
		return then(play(script...), probetest.Secure(ours.Server(t), play("inside")))
	}
	inside := []tcpprobe.Turn{{Expect: "^inside$"}}
	greet := func(expect, send string) tcpprobe.Options {
		return tcpprobe.Options{Dialogue: []tcpprobe.Turn{{Expect: expect, Send: send}, {Expect: "^bye"}}}
	}
	for _, c := range []struct {
		name    string
		handle  func(net.Conn)
		options tcpprobe.Options
		want    report.Outcome
		step    string
	}{
		{"good", play("hello", "<QUIT", "bye"), greet("^hello$", "QUIT"), report.OK, tcpprobe.StepDialogue},
		{"later line", play("one", "two", "hello", "<QUIT", "bye"), greet("hello", "QUIT"), report.OK, tcpprobe.StepDialogue},
		{"submatches", play("id 7", "<GET 7!", "bye"), greet("^id ([0-9]+)", "GET ${1}!"), report.OK, tcpprobe.StepDialogue},
		{"speaks first", play("<PING", "PONG"), tcpprobe.Options{Dialogue: []tcpprobe.Turn{{Send: "PING"}, {Expect: "PONG"}}}, report.OK, tcpprobe.StepDialogue},
		{"other line, then closes", play("other"), greet("hello", "QUIT"), report.TCPAnswerUnexpected, tcpprobe.StepDialogue},
		{"other line, then stalls", then(play("other"), probetest.Stall), greet("hello", "QUIT"), report.TCPAnswerUnexpected, tcpprobe.StepDialogue},
		{"endless line", play(strings.Repeat("x", 10000)), greet("hello", "QUIT"), report.TCPAnswerUnexpected, tcpprobe.StepDialogue},
		{"endless lines", play(strings.Repeat("x\n", 10000)), greet("hello", "QUIT"), report.TCPAnswerUnexpected, tcpprobe.StepDialogue},
		{"closes", probetest.HangUp, greet("hello", "QUIT"), report.TCPClosed, tcpprobe.StepDialogue},
		{"resets", then(play("<QUIT"), probetest.Reset), tcpprobe.Options{Dialogue: []tcpprobe.Turn{{Send: "QUIT"}, {Expect: "^bye"}}}, report.TCPReset, tcpprobe.StepDialogue},
		{"stalls", probetest.Stall, greet("hello", "QUIT"), report.TCPTimedOut, tcpprobe.StepDialogue},

		{"TLS", probetest.Secure(ours.Server(t), play("inside")), tcpprobe.Options{Secure: true, Dialogue: inside}, report.OK, tcpprobe.StepDialogue},
		{"no TLS", play("inside"), tcpprobe.Options{Secure: true}, report.TLSProtocolError, conn.StepTLS},
		{"SMTP", starttls("220-mail", "220 ESMTP", "<EHLO", "250-SIZE 1", "250-STARTTLS", "250 HELP", "<STARTTLS", "220 go"),
			tcpprobe.Options{StartTLS: "smtp", Dialogue: inside}, report.OK, tcpprobe.StepDialogue},
		{"SMTP refuses", play("220 ESMTP", "<EHLO", "250 HELP", "<STARTTLS", "454 not now"),
			tcpprobe.Options{StartTLS: "smtp"}, report.TCPAnswerUnexpected, tcpprobe.StepDialogue},
		{"IMAP", starttls("* OK hi", "<a STARTTLS", "a OK go"), tcpprobe.Options{StartTLS: "imap"}, report.OK, conn.StepTLS},
		{"POP3", starttls("+OK hi", "<STLS", "+OK go"), tcpprobe.Options{StartTLS: "pop3", Dialogue: inside}, report.OK, tcpprobe.StepDialogue},
		{"FTP", starttls("220 hi", "<AUTH TLS", "234 go"), tcpprobe.Options{StartTLS: "ftp", Dialogue: inside}, report.OK, tcpprobe.StepDialogue},
		{"a protocol of one's own", starttls("hi", "<SECURE", "ok"),
			tcpprobe.Options{Dialogue: []tcpprobe.Turn{{Expect: "hi", Send: "SECURE"}, {Expect: "ok", StartTLS: true}, inside[0]}}, report.OK, tcpprobe.StepDialogue},
		{"text before the handshake", play("+OK hi", "<STLS", "+OK go\r\n+OK forged"), tcpprobe.Options{StartTLS: "pop3"},
			report.TCPAnswerUnexpected, tcpprobe.StepDialogue},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, _ := probetest.Serve(t, c.handle)
			c.options.Target, c.options.TLS = address, conn.TLSOptions{ServerName: "shop.example", RootCAs: ours.Pool()}
			timeout := probetest.Limit
			if strings.HasSuffix(c.name, "stalls") {
				timeout = probetest.Soon
			}
			r, err := probetest.Once(t, &c.options, probe.Env{}, timeout)
			if err != nil || r.Outcome != c.want || r.Ended() != c.step {
				t.Errorf("%+v, %v; want %s in %s", r, err, c.want, c.step)
			}
			if secured := r.Step(conn.StepTLS) > 0 && r.Outcome == report.OK; secured == r.CertificateEnds.IsZero() {
				t.Errorf("the certificate ends %v", r.CertificateEnds)
			}
		})
	}
}

func TestDialoguesNameTheirFault(t *testing.T) {
	const at = "192.0.2.1:25"
	for want, o := range map[string]tcpprobe.Options{
		"want smtp":                {Target: at, StartTLS: "gopher"},
		"secured already":          {Target: at, StartTLS: "smtp", Secure: true},
		"query_response[1]: exp":   {Target: at, Dialogue: []tcpprobe.Turn{{Send: "x"}, {}}},
		"query_response[0].expect": {Target: at, Dialogue: []tcpprobe.Turn{{Expect: "("}}},
	} {
		if _, err := o.Probe(probe.Env{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
