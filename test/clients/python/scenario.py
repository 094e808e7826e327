"""Runs named scenarios and prints a line for each, as README.md of the folder above describes."""

import os
import sys
import time
import traceback
import urllib.request

NAMESPACE = os.environ["KUBEMU_NAMESPACE"]
TIMEOUT_SECONDS = 60


class Skip(Exception):
    """The library cannot do this; the text says why."""


def run_all(scenarios):
    """Runs a dict of functions by scenario name in order. The process fails when one of them does."""
    failed = False
    for name, run in scenarios.items():
        try:
            run()
            print(f"PASS {name}", flush=True)
        except Skip as skip:
            print(f"SKIP {name}: {skip}", flush=True)
        except BaseException as error:
            failed = True
            traceback.print_exc()
            text = f"{type(error).__name__}: {error}".replace("\n", " ")
            print(f"FAIL {name}: {text}", flush=True)
    # Threads of the libraries may still wait for the server.
    sys.stdout.flush()
    os._exit(1 if failed else 0)


def control(action):
    """Asks the runner to do something with the server: "restart" or "compact"."""
    request = urllib.request.Request(f"{os.environ['KUBEMU_CONTROL']}/{action}", method="POST")
    urllib.request.urlopen(request).read()


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def eventually(check):
    """Calls check until it no longer raises; its last error when that takes too long."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            return check()
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
