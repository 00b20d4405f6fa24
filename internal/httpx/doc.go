// Package httpx has what the HTTP services of Heliograph share: routes with metrics and time limits
// ([Routes]), errors that a client may read ([Error]), bodies ([ReadBody]), limits by client
// network ([Limiter]), and protection against DNS rebinding ([Hosts]).
//
// Nothing in this package logs, counts or discloses anything about a client except the status of
// its requests.
package httpx
