// Package simulate generates the reports of a population of users whose faults are known, so that a
// detector can be judged by the truth. The simulated agents report as real ones do: in windows of a
// minute; a window with a failure is always sent, and one without is sent by chance and weighted;
// the first failure after a calm time is sent within seconds. The same [Scenario] and seed give the
// same reports. Start with [Load] or [Named], and [Run].
package simulate
