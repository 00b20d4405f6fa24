package mail_test

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/mail"
)

// serve is a mail server for one message. It prints the subject.
func serve(c net.Conn) {
	defer c.Close()
	fmt.Fprint(c, "220 mail.example\r\n")
	for lines := bufio.NewScanner(c); lines.Scan(); {
		verb, _, _ := strings.Cut(lines.Text(), " ")
		switch verb {
		case "Subject:":
			fmt.Println(lines.Text())
		case "EHLO", "NOOP", "RSET", "MAIL", "RCPT", ".":
			fmt.Fprint(c, "250 OK\r\n")
		case "DATA":
			fmt.Fprint(c, "354 go on\r\n")
		case "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
		}
	}
}

// A server on this host needs neither TLS nor a password.
func Example() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	go func() {
		if c, err := listener.Accept(); err == nil {
			serve(c)
		}
	}()

	sender, err := mail.New(mail.Options{
		Server: listener.Addr().String(), Security: mail.None,
		From: "Heliograph <heliograph@shop.example>", To: []string{"oncall@shop.example"},
	})
	if err != nil {
		log.Fatal(err)
	}
	err = sender.Send(context.Background(), &alerts.Message{ID: "1", Made: time.Now(), Alerts: []alerts.Alert{
		{Status: alerts.Firing, StartsAt: time.Now(), Summary: "The shop is down"},
	}})
	if err != nil {
		log.Fatal(err)
	}
	// Output: Subject: [Heliograph] The shop is down
}
