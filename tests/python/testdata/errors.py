"""Errors of an application: one caught, one logged, one in a thread, and one that ends the program.

    errors.py POLICY SPOOL
"""

import logging
import sys
import threading

import heliograph

agent = heliograph.Agent("python-errors", policy=sys.argv[1], spool=sys.argv[2], consent=heliograph.Consent.DIAGNOSTICS, lazy=True)
agent.install(at_exit=30)
logging.getLogger("cart").addHandler(heliograph.Handler(agent))


class CartError(Exception):
    pass


def load_cart(user):
    raise CartError(f"no cart of {user}")


try:
    load_cart("jane.doe@example.org")
except CartError:
    agent.capture_exception()

logging.getLogger("cart").error("the cart of %s is unreadable", "jane.doe@example.org")
logging.getLogger("cart").warning("not told")

thread = threading.Thread(target=lambda: 1 / 0, name="worker")
thread.start()
thread.join()
if agent.stats().observed != 0:
    sys.exit("an error counted as a request")
raise KeyError("the end")
