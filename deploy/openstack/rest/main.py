"""The lab's REST side: main.py identity type=url… | hosts | contents | account NAME | check | inventory NAME | empty NAME"""
import json
import sys

import check
import contents
import empty
import identity
import inventory
from cloud import Refused


def account(name):
    path, values = identity.account(name, contents.MAPPING)
    show(values)
    print("account:", path, file=sys.stderr)


def show(value):
    print(json.dumps(value, indent=2, ensure_ascii=False))


COMMANDS = {
    "identity": lambda *pairs: identity.fill(dict(pair.split("=", 1) for pair in pairs)),
    "hosts": contents.await_hosts,
    "contents": contents.fill,
    "account": account,
    "check": check.run,
    "inventory": lambda project: show(inventory.take(project)),
    "empty": empty.run,
}

try:
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
except (Refused, TimeoutError, OSError) as error:
    sys.exit(f"error: {error}")
