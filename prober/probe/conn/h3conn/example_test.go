package h3conn_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe/conn/h3conn"
)

func Example() {
	closed, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = closed.Close()
	socket, err := net.Dial("udp", closed.LocalAddr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer socket.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err = h3conn.Dial(ctx, socket, &tls.Config{ServerName: "shop.example", NextProtos: []string{h3conn.ALPN}})
	fmt.Println(h3conn.Classify(err))
	// Output: udp.refused
}
