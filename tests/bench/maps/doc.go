// Package maps has benchmarks of the heat map beside plain loops over words and beside Roaring
// bitmaps, in one run: go test -run '^$' -bench . ./maps
package maps
