"""Heliograph notices requests that fail, and reports them when users agree.

An Agent counts what became of a program's requests, seals the counts to the operator's key, keeps
them on disk through any outage and delivers them to collectors that share nothing with the
service. Nothing is recorded, stored or sent before the user consents.

    import heliograph

    agent = heliograph.Agent("shop", policy="policy", spool=heliograph.spool_dir("shop"),
                             consent=heliograph.Consent.COUNTS)
    agent.install()                      # uncaught exceptions, and delivery at exit
    session = requests.Session()
    heliograph.watch(agent, session)     # also urllib3.PoolManager, httpx.Client, httpx.AsyncClient

docs/python.md is the five-minute start. The package is typed, and all of it may be used by any
number of threads at once.
"""

from .agent import Agent, Consent, Error, Stats, spool_dir
from .logs import Handler
from .outcomes import outcome_of
from .clients import watch

__all__ = ["Agent", "Consent", "Error", "Handler", "Stats", "outcome_of", "spool_dir", "watch"]
