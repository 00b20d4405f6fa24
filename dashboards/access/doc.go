// Package access decides who may look at a dashboard and who may change something. It knows people
// by passwords, by the header of a trusted proxy, or by an OpenID Connect provider. Start with
// [New], whose [Gate.Guard] stands before the dashboard.
//
// Sessions are random, and only their hashes are kept, in memory: a restart logs everybody out.
// Nothing secret is ever in a URL, but for the provider's code, which can be used once.
package access
