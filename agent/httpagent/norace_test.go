//go:build !race

package httpagent_test

const raceEnabled = false
