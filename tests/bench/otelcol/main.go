// Command otelcol is an OpenTelemetry Collector with what it takes to compare: OTLP over HTTP, a
// sending queue in files that are synced, and behind the queue an exporter that throws everything
// away. It answers an upload when the queue has it on disk. It is a module of its own because of
// what it depends on.
//
//	otelcol DIRECTORY
//
// It says its address on its first line of standard output and ends when its standard input does.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
)

// config has the defaults of the collector but for: fsync on, a queue that this load does not fill,
// no metrics of its own.
const config = `yaml:
extensions:
  file_storage: {directory: %q, fsync: true, timeout: 10s}
receivers:
  otlp: {protocols: {http: {endpoint: %q}}}
exporters:
  discard: {sending_queue: {storage: file_storage, queue_size: 10000000}}
service:
  extensions: [file_storage]
  pipelines:
    logs: {receivers: [otlp], exporters: [discard]}
  telemetry: {logs: {level: error}, metrics: {level: none}}
`

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: otelcol DIRECTORY")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "otelcol:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	col, err := otelcol.NewCollector(otelcol.CollectorSettings{
		Factories: factories,
		BuildInfo: component.BuildInfo{Command: "otelcol", Version: "bench"},
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			URIs:              []string{fmt.Sprintf(config, dir, addr)},
			ProviderFactories: []confmap.ProviderFactory{yamlprovider.NewFactory()},
		}},
	})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- col.Run(context.Background()) }()
	for col.GetState() != otelcol.StateRunning {
		select {
		case err := <-ended:
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
	fmt.Println(addr)
	_, _ = io.Copy(io.Discard, os.Stdin)
	col.Shutdown()
	return <-ended
}

func factories() (f otelcol.Factories, err error) {
	if f.Receivers, err = otelcol.MakeFactoryMap[receiver.Factory](otlpreceiver.NewFactory()); err != nil {
		return f, err
	}
	if f.Exporters, err = otelcol.MakeFactoryMap[exporter.Factory](discardFactory()); err != nil {
		return f, err
	}
	f.Extensions, err = otelcol.MakeFactoryMap[extension.Factory](filestorage.NewFactory())
	f.Telemetry = otelconftelemetry.NewFactory()
	return f, err
}

// freeAddr finds a port: the receiver does not tell which one it got.
func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}
