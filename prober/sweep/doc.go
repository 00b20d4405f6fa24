// Package sweep probes a fleet of up to a million servers alike, in rounds, at a limited rate, with
// little memory for each. Start with [New].
//
// Package prober keeps a schedule for each target and delivers every attempt. A [Sweeper] keeps
// four bytes for each server and delivers what changes; what stays as it is it delivers again from
// time to time, so that a detector does not forget it.
//
// # Rounds
//
// In a round every server is probed once, in an order in which neighbours are far apart. Servers
// that contradict what is held of them are probed again at the end of the round, until as many
// attempts in a row agree as the options ask for. Before failures count, the witnesses are asked.
package sweep
