package ingest

import (
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// otlpPayload is what OpenTelemetry would send for the same: an ExportLogsServiceRequest over HTTP,
// a log record of about 300 bytes for each event. Field numbers are those of
// opentelemetry/proto/logs/v1/logs.proto.
func otlpPayload(records int) *Payload {
	var logs []byte
	for i := range records {
		logs = field(logs, 2, logRecord(i)) // ScopeLogs.log_records
	}
	resource := field(nil, 1, attribute("service.name", "shop"))
	request := field(field(nil, 1, resource), 2, logs) // ResourceLogs.resource, .scope_logs
	body := field(nil, 1, request)                     // ExportLogsServiceRequest.resource_logs
	head := "POST /v1/logs HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nContent-Type: application/x-protobuf\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n"
	return &Payload{Counters: records, Bytes: len(body), request: append([]byte(head), body...)}
}

func logRecord(i int) []byte {
	var b []byte
	b = protowire.AppendTag(b, 1, protowire.Fixed64Type) // time_unix_nano
	b = protowire.AppendFixed64(b, uint64(time.Now().UnixNano()))
	b = protowire.AppendTag(b, 2, protowire.VarintType) // severity_number
	b = protowire.AppendVarint(b, 17)
	// body
	b = field(b, 5, field(nil, 1, []byte("dial tcp 192.0.2.17:443: connect: connection refused")))
	for _, a := range [][2]string{
		{"server.address", fmt.Sprintf("host-%03d.shop.example", i)}, {"server.port", "443"}, {"network.peer.address", "192.0.2.17"},
		{"error.type", "tcp.refused"}, {"http.request.method", "GET"}, {"network.protocol.name", "http"}, {"url.scheme", "https"},
	} {
		b = field(b, 6, attribute(a[0], a[1]))
	}
	return b
}

// attribute is a KeyValue with a string.
func attribute(key, value string) []byte {
	return field(field(nil, 1, []byte(key)), 2, field(nil, 1, []byte(value)))
}

func field(b []byte, n protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}
