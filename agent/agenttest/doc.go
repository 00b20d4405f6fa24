// Package agenttest lets an application test what its agent reports. An [Operator] plays the other
// side: it has the keys, signs the policy, takes what agents deliver, opens it and shows it. It can
// refuse, fall silent or ask for time like the collectors of a bad day. Most tests need [For],
// [Operator.Start] and [Operator.Seen].
//
// Nothing leaves the process: segments go from the agent to the [Operator] by a function call, and
// lie in a [Spool] in memory. So it all works within a testing/synctest bubble. [Operator.Listen]
// adds a collector on loopback for tests of the whole way.
package agenttest
