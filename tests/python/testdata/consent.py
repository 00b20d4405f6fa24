"""Nothing before consent, nothing after it is withdrawn, and no harm without a policy.

    consent.py POLICY SPOOL TARGET
"""

import os
import sys

import heliograph
from heliograph import Consent

policy, spool, target = sys.argv[1:]


def files():
    return [name for _, _, names in os.walk(spool) for name in names]


def expect(what, ok):
    if not ok:
        sys.exit(f"{what}: {files()}")


agent = heliograph.Agent("python-consent", policy=policy, spool=spool)
agent.observe(target, outcome="tcp.refused")
agent.capture("cart.unreadable", "secret")
expect("without consent", agent.stats().observed == 0 and agent.flush(0) == 0 and agent.sent() == "" and not files())
agent.consent = Consent.COUNTS
agent.observe(target, outcome="tcp.refused")
expect("with consent", agent.flush(0) == 1 and files())
agent.consent = Consent.OFF
expect("withdrawn", agent.stats().pending == 0 and agent.consent is Consent.OFF)
agent.shutdown(1)
agent.observe(target)  # after the end

for broken in ({"policy": b"nonsense"}, {"policy": "/nonexistent/policy"}):
    options = {"policy": policy, "spool": spool, "consent": Consent.COUNTS, **broken}
    off = heliograph.Agent("python-consent", **options)
    off.observe(target)
    off.capture_exception(ValueError("x"))
    off.install()
    expect(f"{broken}: {off.trouble}", off.trouble != "" and off.flush(1) == 0 and off.stats().observed == 0)
try:
    heliograph.watch(agent, object())
    sys.exit("object() is watched")
except TypeError:
    pass
