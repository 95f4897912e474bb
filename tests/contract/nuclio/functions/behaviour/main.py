"""A function that does what the request's path says; the contract tests watch what comes of it."""

import json
import os
import time


def init_context(context):
    """Count how often this runs in one process."""
    context.user_data.starts = getattr(context.user_data, "starts", 0) + 1
    if os.environ.get("BREAK") == "start":
        raise RuntimeError("broken on purpose")


def handler(context, event):
    """Answer, or misbehave, as the path says."""
    return ACTIONS[event.path](context, event)


def look(context, event):
    """Say what the event looks like from inside."""
    seen = {
        "body": type(event.body).__name__,
        "content_type": event.content_type,
        "method": event.method,
        "path": event.path,
        "headers": event.headers,
        "process": os.getpid(),
        "starts": context.user_data.starts,
        "worker": context.worker_id,
        "variable": os.environ.get("CONTRACT", ""),
        "user": os.getuid(),
    }
    return context.Response(body=json.dumps(seen), content_type="application/json", headers={"X-Seen": "yes"})


def sleep(_context, event):
    """Take as many seconds as the body says."""
    time.sleep(float(event.body.decode()))
    return "awake"


def fail(_context, _event):
    """Raise."""
    raise ValueError("wrong on purpose")


ACTIONS = {
    "/": look,
    "/text": lambda _context, _event: "text",
    "/bytes": lambda _context, _event: b"\x00\xff",
    "/dict": lambda _context, _event: {"a": 1},
    "/pair": lambda _context, _event: (418, "teapot"),
    "/fail": fail,
    "/sleep": sleep,
    "/die": lambda _context, _event: os._exit(3),
}
