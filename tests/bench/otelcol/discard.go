package main

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog"
)

// discardConfig is an exporter's that has nothing but the queue before it.
type discardConfig struct {
	Queue configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`
}

func discardFactory() exporter.Factory {
	return exporter.NewFactory(component.MustNewType("discard"),
		func() component.Config {
			return &discardConfig{Queue: configoptional.Some(exporterhelper.NewDefaultQueueConfig())}
		},
		exporter.WithLogs(newDiscard, component.StabilityLevelDevelopment))
}

func newDiscard(ctx context.Context, set exporter.Settings, c component.Config) (exporter.Logs, error) {
	return exporterhelper.NewLogs(ctx, set, c,
		func(context.Context, plog.Logs) error { return nil },
		exporterhelper.WithQueue(c.(*discardConfig).Queue))
}
