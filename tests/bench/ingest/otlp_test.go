package ingest

import (
	"bytes"
	"testing"

	logs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"
)

// TestOTLPPayload reads what the peer is sent with OpenTelemetry's own types: it must be what an
// application would send, not less.
func TestOTLPPayload(t *testing.T) {
	p := otlpPayload(100)
	_, body, _ := bytes.Cut(p.append(nil, nil), []byte("\r\n\r\n"))
	var request logs.ExportLogsServiceRequest
	if err := proto.Unmarshal(body, &request); err != nil {
		t.Fatal(err)
	}
	records := request.GetResourceLogs()[0].GetScopeLogs()[0].GetLogRecords()
	if len(records) != 100 {
		t.Fatalf("%d records, want 100", len(records))
	}
	if r := records[7]; len(r.GetAttributes()) != 7 || r.GetAttributes()[0].GetValue().GetStringValue() != "host-007.shop.example" ||
		r.GetBody().GetStringValue() == "" || len(r.ProtoReflect().GetUnknown()) != 0 {
		t.Errorf("record 7 is %v", r)
	}
	if perRecord := len(body) / 100; perRecord < 250 || perRecord > 350 {
		t.Errorf("%d bytes a record, want about 300", perRecord)
	}
}
