// Package httpx has what the HTTP services of Heliograph share: routes that are measured and
// bounded ([Routes]), errors that a client may read ([Error]), bodies ([ReadBody]), limits by
// client network ([Limiter]), and the guard against foreign host names ([Hosts]).
//
// Nothing here logs, counts or answers anything about a client but the status of its request.
package httpx
