package wsprobe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/heliograph-net/heliograph/prober/probe"
)

// Limits of what a server may send before the expected message.
const (
	maxMessages = 1000
	maxMessage  = 1 << 20 // bytes
)

var (
	errSpent      = errors.New("the connection has been used")
	errUnexpected = errors.New("unexpected messages only")
)

// statusError is the status of a response that does not open a WebSocket.
type statusError int

func (s statusError) Error() string { return fmt.Sprintf("status %d", int(s)) }

// talk makes the handshake and exchanges messages over c.
func (p *wsProbe) talk(ctx context.Context, a *probe.Attempt, c net.Conn) error {
	once := make(chan net.Conn, 1)
	once <- c
	dial := func(context.Context, string, string) (net.Conn, error) {
		select {
		case c := <-once:
			return c, nil
		default:
			return nil, errSpent
		}
	}
	client := &http.Client{
		Transport:     &http.Transport{DialContext: dial, DialTLSContext: dial, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	ws, answer, err := websocket.Dial(ctx, p.url, &websocket.DialOptions{HTTPClient: client, HTTPHeader: p.header, Subprotocols: p.subprotocols})
	if answer != nil {
		a.Result.Status, a.Result.Protocol = uint16(answer.StatusCode), "http/1.1"
	}
	if err != nil && answer != nil && answer.StatusCode != http.StatusSwitchingProtocols {
		return statusError(answer.StatusCode)
	}
	if err != nil {
		return err
	}
	defer ws.CloseNow() // an error changes nothing: the outcome is known by then
	ws.SetReadLimit(maxMessage)
	a.Enter(StepMessage)
	if len(p.send) == 0 && p.expect == nil {
		return ping(ctx, ws)
	}
	if len(p.send) > 0 {
		if err := ws.Write(ctx, websocket.MessageText, p.send); err != nil {
			return err
		}
	}
	if p.expect == nil {
		return ping(ctx, ws) // the pong shows that the server has read the message
	}
	return p.await(ctx, ws)
}

// ping sends a ping and waits for the pong. It ignores other messages.
func ping(ctx context.Context, ws *websocket.Conn) error {
	both, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		for {
			if _, _, err := ws.Read(both); err != nil {
				ended <- err
				stop() // no pong will come
				return
			}
		}
	}()
	err := ws.Ping(both)
	stop()
	readErr := <-ended
	if deadline, ok := ctx.Deadline(); err != nil && ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded // whichever of the two noticed it first
	}
	if err != nil && !errors.Is(readErr, context.Canceled) {
		return readErr // which tells more
	}
	return err
}

func (p *wsProbe) await(ctx context.Context, ws *websocket.Conn) error {
	for range maxMessages {
		_, message, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		if p.expect.Match(message) {
			return nil
		}
	}
	return errUnexpected
}
