package grpcprobe

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn/httpconn"
	"github.com/heliograph-net/heliograph/report"
)

// A unary call is an HTTP/2 request whose body is one message with five bytes in front of it
// (doc/PROTOCOL-HTTP2.md of gRPC). The gRPC library would add several megabytes to the program.

const (
	method    = "/grpc.health.v1.Health/Check"
	frame     = 5 // bytes before a message: compressed or not, and its length
	maxAnswer = 4 << 10
	serving   = 1   // HealthCheckResponse.ServingStatus
	statusOK  = "0" // grpc-status
	notFound  = "5" // the server does not know the service
)

var errMalformed = errors.New("not a message of grpc.health.v1")

// healthRequest returns a HealthCheckRequest in its frame.
func healthRequest(service string) []byte {
	var message []byte
	if service != "" {
		message = protowire.AppendTag(message, 1, protowire.BytesType)
		message = protowire.AppendString(message, service)
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

// servingStatus parses a HealthCheckResponse in its frame.
func servingStatus(body []byte) (status uint64, err error) {
	if len(body) < frame || body[0] != 0 || uint64(binary.BigEndian.Uint32(body[1:])) != uint64(len(body)-frame) {
		return 0, errMalformed
	}
	for message := body[frame:]; len(message) > 0; {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return 0, errMalformed
		}
		message = message[n:]
		if field == 1 && kind == protowire.VarintType {
			if status, n = protowire.ConsumeVarint(message); n < 0 {
				return 0, errMalformed
			}
		} else if n = protowire.ConsumeFieldValue(field, kind, message); n < 0 {
			return 0, errMalformed
		}
		message = message[n:]
	}
	return status, nil
}

// check makes the call over c.
func (p *grpcProbe) check(ctx context.Context, a *probe.Attempt, c net.Conn) error {
	client, err := httpconn.New(ctx, c, "h2")
	if err != nil {
		return err
	}
	defer client.Close() // an error changes nothing: the outcome is known by then
	u := url.URL{Scheme: "http", Host: p.authority, Path: method}
	if p.secure != nil {
		u.Scheme = "https"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(p.message))
	if err != nil {
		return err
	}
	request.Header = http.Header{}
	for name, values := range p.metadata {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	for name, value := range map[string]string{"Content-Type": "application/grpc", "Te": "trailers", "User-Agent": "heliograph-prober"} {
		request.Header.Set(name, value)
	}
	answer, err := client.RoundTrip(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	a.Result.Status, a.Result.Protocol = uint16(answer.StatusCode), httpconn.Protocol(answer)
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return err
	}
	a.Result.Outcome = judge(answer, body)
	detail(a, answer, body)
	return nil
}

// code returns the status of the call. A response without a message has it in its headers.
func code(answer *http.Response) string {
	return cmp.Or(answer.Trailer.Get("Grpc-Status"), answer.Header.Get("Grpc-Status"))
}

// statuses are the names of HealthCheckResponse.ServingStatus.
var statuses = []string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}

// detail adds what blackbox_exporter tells of an answer.
func detail(a *probe.Attempt, answer *http.Response, body []byte) {
	if n, err := strconv.ParseUint(code(answer), 10, 8); err == nil {
		a.Detail("grpc_status_code", float64(n), nil)
	}
	if status, err := servingStatus(body); err == nil && status < uint64(len(statuses)) {
		a.Detail("grpc_healthcheck_response", 1, map[string]string{"serving_status": statuses[status]})
	}
}

// judge returns the outcome that an answer stands for.
func judge(answer *http.Response, body []byte) report.Outcome {
	switch {
	case answer.StatusCode >= 400:
		return report.HTTPError
	case answer.StatusCode != http.StatusOK, !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/grpc"):
		return report.GRPCFailed
	}
	switch code(answer) {
	case statusOK:
	case notFound:
		return report.GRPCNotServing
	default:
		return report.GRPCFailed
	}
	status, err := servingStatus(body)
	switch {
	case err != nil:
		return report.GRPCFailed
	case status == serving:
		return report.OK
	}
	return report.GRPCNotServing // or the status is unknown
}
