"""A prefork server: the application is loaded, then workers are forked, each of which reports.

    fork.py POLICY SPOOL TARGET
"""

import os
import sys

import heliograph

policy, spool, target = sys.argv[1:]
agent = heliograph.Agent("python-fork", policy=policy, spool=spool, consent=heliograph.Consent.COUNTS, lazy=True)


def child(work):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = work()
        finally:
            os._exit(code)
    return pid


def worker():
    agent.observe(target, outcome="tcp.refused", elapsed=0.1)
    trouble = agent.trouble
    agent.shutdown(30)  # what remains may be another worker's
    return 1 if trouble else 0


def orphan():
    """A child of a process that has used its agent has none, says so, and lives on."""
    agent.observe(target, outcome="tcp.reset")
    return 0 if "fork" in agent.trouble and agent.flush(1) == 0 else 1


workers = [child(worker) for _ in range(3)]
failed = [pid for pid in workers if os.waitpid(pid, 0)[1] != 0]
agent.observe(target, outcome="tcp.refused")  # now the parent has one
if os.waitpid(child(orphan), 0)[1] != 0 or failed or agent.shutdown(30):
    sys.exit(f"failed: {failed}, {agent.trouble}")
