// Package agenttest lets an application test what its agent reports. Start with [For],
// [Operator.Start] and [Operator.Seen]. An [Operator] plays the operator's side: it has the keys,
// signs the policy, receives the segments of agents, opens them and shows the records. It can also
// refuse uploads, not answer, or ask agents to come later.
//
// Nothing leaves the process. Agents deliver to the [Operator] by function calls and store segments
// in a [Spool] in memory, so everything works within a testing/synctest bubble. [Operator.Listen]
// adds HTTP servers on loopback for end-to-end tests.
package agenttest
