"""Worker processes, and the pool from which a request takes one."""

import contextlib
import os
import queue
import shutil
import socket
import subprocess
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path

CONNECT_TIMEOUT = 120.0  # seconds; modules are imported before the wrapper connects, init_context runs after it
WRAPPER = Path(__file__).resolve().parent.parent / "_nuclio_wrapper.py"


class WorkerTimeout(Exception):
    """The handler took longer than spec.eventTimeout."""


class Worker:
    """One Python process with its own copy of the handler's module; answers one event at a time."""

    def __init__(self, config, number):
        self._config = config
        self.number = number
        self._expected_end = False
        self.start()

    def start(self):
        """Start the process and wait until init_context is done. Raises EOFError if it ends instead."""
        ours, theirs = socket.socketpair()
        python = os.environ.get("NUCLIO_PYTHON_EXE_PATH") or shutil.which("python3") or sys.executable
        self._expected_end = False
        self.process = subprocess.Popen(
            [
                python,
                "-u",
                str(WRAPPER),
                "--handler",
                self._config.handler,
                "--namespace",
                self._config.namespace,
                "--trigger-kind",
                "http",
                "--trigger-name",
                self._config.trigger_name,
                "--worker-id",
                str(self.number),
                "--descriptor",
                str(theirs.fileno()),
            ],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": _python_path()},
        )
        theirs.close()
        self._connection = Connection(ours.detach())
        if not self._connection.poll(CONNECT_TIMEOUT):
            raise EOFError("the wrapper did not connect in time")
        self._connection.recv()
        self._connection.recv()
        threading.Thread(target=self._watch, args=(self.process,), daemon=True).start()

    def handle(self, event):
        """Return the response to one event."""
        self._connection.send(event)
        if not self._connection.poll(self._config.event_timeout):
            raise WorkerTimeout
        return self._connection.recv()[1]

    def restart(self):
        """Replace a process that hangs."""
        self._expected_end = True
        self.process.kill()
        self.process.wait()
        self._connection.close()
        self.start()

    def _watch(self, process):
        # A worker that ends by itself takes the processor, and so the container, with it:
        # the container's restart policy brings both back.
        code = process.wait()
        if not self._expected_end:
            print(f"Wrapper process of worker {self.number} ended with {code}", flush=True)
            os._exit(1)


class Pool:
    """All workers of the function."""

    def __init__(self, config):
        self._config = config
        self._free = queue.Queue()
        self.ready = False

    def start(self):
        """Start the workers one after another."""
        for number in range(self._config.workers):
            self._free.put(Worker(self._config, number))
        self.ready = True

    @contextlib.contextmanager
    def worker(self):
        """Lend a free worker; raises queue.Empty if none is free in time."""
        taken = self._free.get(timeout=self._config.worker_timeout)
        try:
            yield taken
        finally:
            self._free.put(taken)


def _python_path():
    base = os.environ.get("NUCLIO_PYTHON_PATH", str(WRAPPER.parent))
    return os.pathsep.join(part for part in (base, os.environ.get("PYTHONPATH", "")) if part)
