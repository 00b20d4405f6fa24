"""Meets servers that break connections with every client. Prints a JSON object for each request:
how the client got along, and the target.

    faults.py POLICY SPOOL < FAULTS

FAULTS is a JSON object: by client, the file of the authority to trust and a list of targets with
the seconds to wait for each.
"""

import asyncio
import json
import logging
import socket
import ssl
import sys
import threading
import warnings

import httpx
import requests
import urllib3

import heliograph

policy, spool = sys.argv[1:]
faults = json.load(sys.stdin)
warnings.simplefilter("ignore")
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


def serve(answer):
    """Return the port of a server that answers every request alike."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def run():
        while True:
            c, _ = listener.accept()
            with c:
                c.recv(4096)
                c.sendall(answer)

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def tell(client, target, gone):
    print(json.dumps({"client": client, "target": target, "client_saw": gone}), flush=True)


def each(client, get):
    for case in faults[client]["cases"]:
        try:
            gone = get(case["target"] + "/cart?card=1234", case["patience"])
        except Exception as e:
            gone = type(e).__name__
        tell(client, case["target"], gone)


def main():
    agent = heliograph.Agent("python-test", policy=policy, spool=spool, consent=heliograph.Consent.DIAGNOSTICS, version="1.2.3")
    if agent.trouble:
        sys.exit(agent.trouble)

    session = heliograph.watch(agent, requests.Session())
    heliograph.watch(agent, session)  # a second time changes nothing
    session.verify, session.trust_env = faults["requests"]["authority"], False
    each("requests", lambda url, patience: session.get(url, timeout=patience).status_code)

    pool = heliograph.watch(agent, urllib3.PoolManager(ca_certs=faults["urllib3"]["authority"], retries=False))
    each("urllib3", lambda url, patience: pool.request("GET", url, timeout=patience).status)

    trust = ssl.create_default_context(cafile=faults["httpx"]["authority"])
    with heliograph.watch(agent, httpx.Client(verify=trust, trust_env=False)) as client:
        each("httpx", lambda url, patience: client.get(url, timeout=patience).status_code)

    async def asynchronous():
        trust = ssl.create_default_context(cafile=faults["httpx async"]["authority"])
        async with heliograph.watch(agent, httpx.AsyncClient(verify=trust, trust_env=False)) as client:
            loop = asyncio.get_running_loop()

            def get(url, patience):
                return asyncio.run_coroutine_threadsafe(status(client, url, patience), loop).result()

            await loop.run_in_executor(None, each, "httpx async", get)

    async def status(client, url, patience):
        return (await client.get(url, timeout=patience)).status_code

    asyncio.run(asynchronous())

    # Streams: read to the end, given up after the head, and never touched.
    for name, use in {"read": lambda r: r.raw.read(), "closed": lambda r: r.close(), "left": lambda r: None}.items():
        target = f"http://127.0.0.1:{serve(OK)}"
        response = session.get(target, stream=True, timeout=60)
        use(response)
        del response
        tell("requests stream " + name, target, "")

    # A request that is none: nothing is counted.
    for call in (lambda: session.get("nonsense"), lambda: httpx.get("nonsense://x")):
        try:
            call()
        except Exception:
            pass

    if left := agent.shutdown(timeout=30):
        sys.exit(f"{left} segments remain")


main()
