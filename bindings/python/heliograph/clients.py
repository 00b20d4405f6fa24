"""Watches the clients of requests, urllib3 and httpx.

Every request counts once: when its body has been read, when it failed, or when it was given up. A
status of 400 and above counts with the head. Each hop of a redirect counts by itself, but with
urllib3, which follows redirects and retries within one call, the call counts. What the program gets is what it would get without the agent: the same objects, bytes and
exceptions.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from .agent import Agent
from .outcomes import outcome_of


_SHORT = "http.response.invalid.content_length_mismatch"


def watch(agent: Agent, client: Any) -> Any:
    """Watch a requests.Session, a urllib3.PoolManager, an httpx.Client or an httpx.AsyncClient, and return it.

    A client that is watched already stays as it is. TypeError for anything else.
    """
    names = {f"{t.__module__.split('.')[0]}.{t.__name__}" for t in type(client).__mro__}
    if "requests.Session" in names:
        for adapter in client.adapters.values():
            _once(adapter, "send", lambda bare: _requests_send(agent, bare))
        _once(client, "mount", lambda bare: _requests_mount(agent, bare))
    elif "urllib3.PoolManager" in names:
        _once(client, "urlopen", lambda bare: _Pool(agent, bare).urlopen)
    elif "httpx.Client" in names:
        for transport in _transports(client):
            _once(transport, "handle_request", lambda bare: _httpx_send(agent, bare))
    elif "httpx.AsyncClient" in names:
        for transport in _transports(client):
            _once(transport, "handle_async_request", lambda bare: _httpx_send_async(agent, bare))
    else:
        raise TypeError(f"a {type(client).__module__}.{type(client).__qualname__} cannot be watched; use Agent.observe")
    return client


def _once(owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
    """Replace a method of one object, unless that was done before."""
    bare = getattr(owner, name)
    if getattr(bare, "_heliograph", False) or getattr(getattr(bare, "__self__", None), "_heliograph", False):
        return
    wrapped = wrap(bare)
    try:
        wrapped._heliograph = True
    except AttributeError:  # a bound method of an object that says so itself
        pass
    setattr(owner, name, wrapped)


class _Exchange:
    """One request, which is counted once, with its first word."""

    def __init__(self, agent: Agent, url: str, method: str, headers: Any) -> None:
        self.agent, self.url, self.method = agent, url, method
        self.started, self.trace = time.monotonic(), _trace_id(headers)
        self.status, self.protocol, self.server, self.answered = 0, "", "", 0.0
        self.chunked = self.reading = self.counted = False

    def failed(self, error: BaseException) -> None:
        outcome = outcome_of(error)
        if self.chunked and outcome == _SHORT:
            outcome = "http.response.invalid.incomplete_chunked_encoding"
        if outcome:
            self.count(outcome)

    def ended(self, raw: Any) -> None:
        """Take the end of a body. requests is content with fewer bytes than were announced."""
        self.count(_SHORT if getattr(raw, "length_remaining", None) else None)

    def count(self, outcome: str | None = None) -> None:
        if self.counted:
            return
        self.counted = True
        self.agent.observe(self.url, outcome=outcome, status=self.status, elapsed=time.monotonic() - self.started, protocol=self.protocol or None,
                           server=self.server or None, method=self.method, trace_id=self.trace, head=self.answered)

    def head(self, status: int) -> None:
        """Take the status. Who gives a body up whose head was good has seen a success."""
        self.status, self.answered = status, time.monotonic() - self.started
        if status >= 400:
            self.count()


def _trace_id(headers: Any) -> bytes:
    """Return the trace id of a W3C traceparent header."""
    try:
        value = headers.get("traceparent") if headers else None
        if isinstance(value, bytes):
            value = value.decode("ascii")
        parts = value.split("-") if value else []
        return bytes.fromhex(parts[1]) if len(parts) >= 4 and len(parts[1]) == 32 else b""
    except (AttributeError, ValueError, TypeError):
        return b""


# requests and urllib3: the body is a urllib3.HTTPResponse.

def _requests_send(agent: Agent, bare: Any) -> Any:
    def send(request: Any, *args: Any, **kwargs: Any) -> Any:
        x = _Exchange(agent, request.url, request.method, request.headers)
        try:
            response = bare(request, *args, **kwargs)
        except BaseException as e:
            x.failed(e)
            raise
        _quietly(x, lambda: _watch_body(x, response.raw, _has_proxy(kwargs.get("proxies"))))
        return response

    return send


def _requests_mount(agent: Agent, bare: Any) -> Any:
    def mount(prefix: str, adapter: Any) -> None:
        _once(adapter, "send", lambda send: _requests_send(agent, send))
        bare(prefix, adapter)

    return mount


def _has_proxy(proxies: Any) -> bool:
    return bool(proxies) and any(proxies.values())


class _Pool:
    """urlopen calls itself for redirects and retries; only a call from outside is a request."""

    def __init__(self, agent: Agent, bare: Any) -> None:
        self.agent, self.bare = agent, bare
        self.inside = threading.local()
        self._heliograph = True

    def urlopen(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        if getattr(self.inside, "is", False):
            return self.bare(method, url, *args, **kwargs)
        x = _Exchange(self.agent, url, method, kwargs.get("headers"))
        setattr(self.inside, "is", True)
        try:
            response = self.bare(method, url, *args, **kwargs)
        except BaseException as e:
            x.failed(e)
            raise
        finally:
            setattr(self.inside, "is", False)
        _quietly(x, lambda: _watch_body(x, response, getattr(getattr(self.bare, "__self__", None), "proxy", None) is not None))
        return response


def _watch_body(x: _Exchange, raw: Any, proxy: bool) -> None:
    x.protocol = {10: "http/1.0", 11: "http/1.1"}.get(getattr(raw, "version", 0), "")
    x.chunked = bool(getattr(raw, "chunked", False))
    if not proxy:  # a proxy's address is not the service's
        x.server = _peer(raw)
    x.head(raw.status)
    if getattr(raw, "closed", True) or getattr(raw, "_fp", None) is None:
        x.count()  # the body has been read, or there is none
        return
    weakref.finalize(raw, x.count)  # nobody read it

    # Methods of the class and a weak reference: the body would otherwise refer to itself, and its
    # connection would be free only when the garbage collector comes by.
    me = weakref.ref(raw)

    def guarded(bare: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            x.reading, outer = True, x.reading
            try:
                part = bare(me(), *args, **kwargs)
            except BaseException as e:
                x.failed(e)
                raise
            finally:
                x.reading = outer
            if getattr(me(), "closed", False):  # that was the last of it
                x.ended(me())
            return part
        return call

    def guarded_stream(bare: Any) -> Any:
        def stream(*args: Any, **kwargs: Any) -> Iterator[bytes]:
            parts = iter(bare(me(), *args, **kwargs))
            while True:
                x.reading = True
                try:
                    part = next(parts)
                except StopIteration:
                    x.ended(me())
                    return
                except BaseException as e:
                    x.failed(e)
                    raise
                finally:
                    x.reading = False
                yield part
        return stream

    def counted(bare: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return bare(me(), *args, **kwargs)
            finally:
                if not x.reading:  # urllib3 closes what it could not read before it says so
                    x.count()
        return call

    wraps = {"read": guarded, "read1": guarded, "readinto": guarded, "stream": guarded_stream, "close": counted}
    for name, wrap in wraps.items():
        if bare := getattr(type(raw), name, None):
            setattr(raw, name, wrap(bare))


def _peer(raw: Any) -> str:
    connection = getattr(raw, "_connection", None) or getattr(raw, "connection", None)
    sock = getattr(connection, "sock", None)
    try:
        return _address(sock.getpeername()) if sock is not None else ""
    except OSError:  # the connection is broken already
        return ""


def _address(peer: Any) -> str:
    if not isinstance(peer, tuple) or len(peer) < 2:
        return ""
    host, port = str(peer[0]).split("%")[0], peer[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _quietly(x: _Exchange, do: Callable[[], None]) -> None:
    """What goes wrong here is not the program's: an attribute that another version of a library lacks.
    The request then counts by its head.
    """
    try:
        do()
    except Exception:
        x.count()


# httpx: the body is response.stream.

def _transports(client: Any) -> list[Any]:
    found = [client._transport, *client._mounts.values()]
    return [t for t in found if t is not None]


def _httpx_head(x: _Exchange, response: Any) -> None:
    version = response.extensions.get("http_version", b"")
    x.protocol = {b"HTTP/1.0": "http/1.0", b"HTTP/1.1": "http/1.1", b"HTTP/2": "h2"}.get(version, "")
    stream = response.extensions.get("network_stream")
    if stream is not None:
        try:
            x.server = _address(stream.get_extra_info("server_addr"))
        except OSError:  # the connection is broken already
            pass
    x.head(response.status_code)


def _httpx_send(agent: Agent, bare: Any) -> Any:
    def handle_request(request: Any) -> Any:
        x = _Exchange(agent, str(request.url), request.method, request.headers)
        try:
            response = bare(request)
        except BaseException as e:
            x.failed(e)
            raise
        _quietly(x, lambda: _httpx_head(x, response))
        response.stream = _stream_type()(x, response.stream)
        return response

    return handle_request


def _httpx_send_async(agent: Agent, bare: Any) -> Any:
    async def handle_async_request(request: Any) -> Any:
        x = _Exchange(agent, str(request.url), request.method, request.headers)
        try:
            response = await bare(request)
        except BaseException as e:
            x.failed(e)
            raise
        _quietly(x, lambda: _httpx_head(x, response))
        response.stream = _async_stream_type()(x, response.stream)
        return response

    return handle_async_request


def _stream_type() -> Any:
    import httpx

    class Stream(httpx.SyncByteStream):
        def __init__(self, x: _Exchange, bare: Any) -> None:
            self.x, self.bare = x, bare

        def __iter__(self) -> Iterator[bytes]:
            try:
                yield from self.bare
            except GeneratorExit:
                raise
            except BaseException as e:
                self.x.failed(e)
                raise

        def close(self) -> None:
            try:
                self.bare.close()
            finally:
                self.x.count()

    return Stream


def _async_stream_type() -> Any:
    import httpx

    class Stream(httpx.AsyncByteStream):
        def __init__(self, x: _Exchange, bare: Any) -> None:
            self.x, self.bare = x, bare

        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                async for part in self.bare:
                    yield part
            except GeneratorExit:
                raise
            except BaseException as e:
                self.x.failed(e)
                raise

        async def aclose(self) -> None:
            try:
                await self.bare.aclose()
            finally:
                self.x.count()

    return Stream
