// Package simulate invents the reports of a population of users, fault by fault, so that a detector
// can be judged by a truth that is known. It follows how agents report: windows of a minute, one
// with a failure always sent, one without drawn by chance and weighted, the first failure after
// calm told within seconds. The same [Scenario] and seed give the same reports. Start with [Load]
// and [Run].
package simulate
