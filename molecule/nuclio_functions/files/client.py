#!/usr/bin/env python3
"""An annotator who never rests: asks a function through the dashboard every 200 ms, and tells afterwards what was lost.

client.py ask NAME ADDRESS     asks until it is ended; one line per request: when it was sent, and the answer's status
client.py judge SINCE UNTIL    says as JSON how many requests of that time were lost, and for how long
"""

import http.client
import json
import sys
import threading
import time
from pathlib import Path

LOG = Path("/var/log/client.log")
INTERVAL = 0.2  # seconds
TIMEOUT = 5.0


def ask(name, address, log, lock):
    """Send one request and write a line about it."""
    sent, status = time.time(), 0
    connection = http.client.HTTPConnection(address, 8070, timeout=TIMEOUT)
    try:
        headers = {"x-nuclio-function-name": name, "x-nuclio-function-namespace": "nuclio"}
        connection.request("POST", "/api/function_invocations", headers=headers)
        response = connection.getresponse()
        response.read()
        status = response.status
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    with lock:
        log.write(f"{sent:.3f} {status}\n")
        log.flush()


def ask_for_ever(name, address):
    """A request every 200 ms, also while an earlier one waits."""
    lock = threading.Lock()
    with LOG.open("a") as log:
        due = time.monotonic()
        while True:
            threading.Thread(target=ask, args=(name, address, log, lock), daemon=True).start()
            due = max(due + INTERVAL, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))


def judge(since, until):
    """Count what was asked and lost between two times; `seconds` is from the first lost request to the last."""
    lines = sorted(
        (float(sent), int(status)) for sent, status in (line.split() for line in LOG.read_text().splitlines())
    )
    lines = [(sent, status) for sent, status in lines if since <= sent <= until]
    lost = [sent for sent, status in lines if status != 200]
    seconds = lost[-1] - lost[0] + INTERVAL if lost else 0.0
    print(json.dumps({"asked": len(lines), "lost": len(lost), "seconds": round(seconds, 1)}))


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        ask_for_ever(*sys.argv[2:])
    else:
        judge(float(sys.argv[2]), float(sys.argv[3]))
