"""Breaks real connections under real clients. Prints a JSON object for each request: how the client
got along, the target, and the outcome that the agent must have counted.

    faults.py POLICY SPOOL CERTIFICATES
"""

import asyncio
import json
import logging
import os
import socket
import ssl
import sys
import threading
import warnings

import httpx
import requests
import urllib3

import heliograph

policy, spool, certificates = sys.argv[1:]
warnings.simplefilter("ignore")
logging.getLogger("urllib3").setLevel(logging.CRITICAL)
PATIENCE = 1.0  # seconds that clients wait for servers that do not answer


def serve(act, tls=None):
    """Return the port of a server that does the same with each connection."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def one(c):
        try:
            if tls:
                c = tls.wrap_socket(c, server_side=True)
            act(c)
        except OSError:
            pass
        finally:
            c.close()

    def run():
        while True:
            c, _ = listener.accept()
            threading.Thread(target=one, args=(c,), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


def head(c):
    data = b""
    while b"\r\n\r\n" not in data:
        part = c.recv(4096)
        if not part:
            raise OSError
        data += part
    return data


def answer(text):
    def act(c):
        head(c)
        c.sendall(text)
    return act


def reset(before):
    def act(c):
        head(c)
        c.sendall(before)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return act


def silent(c):
    head(c)
    c.recv(1)  # until the client gives up


def no_tls(c):
    c.recv(1)
    c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    c.recv(1000)


def half(c):
    head(c)
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    c.recv(1)


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def context(name, **more):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(os.path.join(certificates, name + ".pem"), os.path.join(certificates, name + ".key"))
    for key, value in more.items():
        setattr(c, key, value)
    return c


def resolving():
    """The outcome of a name that does not exist, on this machine: its resolver may not answer at all."""
    try:
        socket.getaddrinfo("nowhere.invalid", 80)
    except socket.gaierror as e:
        return "dns.name_not_resolved" if e.errno in (socket.EAI_NONAME, socket.EAI_NODATA) else "dns.failed"


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def faults():
    """A server of its own for every case, so that its target tells them apart."""
    plain = lambda act: f"http://127.0.0.1:{serve(act)}"
    secure = lambda name, **more: f"https://127.0.0.1:{serve(answer(OK), context(name, **more))}"
    return {
        plain(answer(OK)): "ok",
        plain(answer(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")): "ok",
        plain(answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")): "http.error",
        plain(answer(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")): "http.error",
        f"http://127.0.0.1:{closed_port()}": "tcp.refused",
        plain(reset(b"")): "tcp.reset",
        plain(reset(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")): "tcp.reset",
        plain(answer(b"")): "http.response.invalid.empty",
        plain(answer(b"SSH-2.0-OpenSSH_9\r\n\r\n")): "http.response.invalid",
        plain(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nabc")): "http.response.invalid.content_length_mismatch",
        plain(answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nab")): "http.response.invalid.incomplete_chunked_encoding",
        plain(answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nxyz\r\nab")): "http.response.invalid.invalid_chunked_encoding",
        plain(silent): "tcp.timed_out",
        plain(half): "tcp.timed_out",
        secure("good"): "ok",
        secure("expired"): "tls.cert.date_invalid",
        secure("other"): "tls.cert.name_invalid",
        secure("unknown"): "tls.cert.authority_invalid",
        f"https://127.0.0.1:{serve(no_tls)}": "tls.protocol.error",
    }


def tell(client, target, outcome, gone):
    print(json.dumps({"client": client, "target": target, "outcome": outcome, "client_saw": gone}), flush=True)


def each(client, get):
    cases = faults()
    cases["http://nowhere.invalid"] = resolving()
    for target, outcome in cases.items():
        try:
            gone = get(target + "/cart?card=1234")
        except Exception as e:
            gone = type(e).__name__
        tell(client, target, outcome, gone)


def main():
    agent = heliograph.Agent("python-test", policy=policy, spool=spool, consent=heliograph.Consent.DIAGNOSTICS, version="1.2.3")
    if agent.trouble:
        sys.exit(agent.trouble)
    authority = os.path.join(certificates, "ca.pem")

    session = heliograph.watch(agent, requests.Session())
    heliograph.watch(agent, session)  # a second time changes nothing
    session.verify, session.trust_env = authority, False
    each("requests", lambda url: session.get(url, timeout=PATIENCE).status_code)

    pool = heliograph.watch(agent, urllib3.PoolManager(ca_certs=authority, retries=False, timeout=PATIENCE))
    each("urllib3", lambda url: pool.request("GET", url).status)

    trust = ssl.create_default_context(cafile=authority)
    with heliograph.watch(agent, httpx.Client(verify=trust, timeout=PATIENCE, trust_env=False)) as client:
        each("httpx", lambda url: client.get(url).status_code)

    async def asynchronous():
        async with heliograph.watch(agent, httpx.AsyncClient(verify=trust, timeout=PATIENCE, trust_env=False)) as client:
            loop = asyncio.get_running_loop()

            def get(url):
                return asyncio.run_coroutine_threadsafe(status(client, url), loop).result()

            await loop.run_in_executor(None, each, "httpx async", get)

    async def status(client, url):
        return (await client.get(url)).status_code

    asyncio.run(asynchronous())

    # Streams: read to the end, given up after the head, and never touched.
    for name, use in {"read": lambda r: r.raw.read(), "closed": lambda r: r.close(), "left": lambda r: None}.items():
        target = f"http://127.0.0.1:{serve(answer(OK))}"
        response = session.get(target, stream=True, timeout=PATIENCE)
        use(response)
        del response
        tell("requests stream " + name, target, "ok", "")

    # A request that is none: nothing is counted.
    for call in (lambda: session.get("nonsense"), lambda: httpx.get("nonsense://x")):
        try:
            call()
        except Exception:
            pass

    if left := agent.shutdown(timeout=30):
        sys.exit(f"{left} segments remain")


main()
