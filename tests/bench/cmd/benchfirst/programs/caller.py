# A program that asks its service every two seconds: caller.py POLICY SPOOL URL.
import sys
import time

import heliograph
import requests

policy, spool, url = sys.argv[1:]
agent = heliograph.Agent("shop", policy=policy, spool=spool, consent=heliograph.Consent.COUNTS)
if agent.trouble:
    sys.exit(agent.trouble)
session = heliograph.watch(agent, requests.Session())
while True:
    try:
        session.get(url)
    except requests.ConnectionError:
        pass
    time.sleep(2)
