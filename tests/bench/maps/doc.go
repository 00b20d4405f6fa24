// Package maps has benchmarks of the heat map beside plain loops over words and beside Roaring
// bitmaps, in one run: go run ./cmd/bench -only heatmap, or for profiles
// go test -run '^$' -bench . ./maps
package maps
