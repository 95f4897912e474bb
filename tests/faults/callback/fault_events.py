"""Ansible callback of the tests: tells the fault injection what happens, and waits for its leave before each task."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fault_events
type: aggregate
short_description: Reports tasks and results to tests/faults
version_added: 0.1.0
description:
  - Writes a JSON line for each task that begins and each result into the socket named in E(FAULT_EVENTS).
  - Before a task it waits for an answer, so that whoever listens can act exactly between two tasks.
requirements:
  - E(FAULT_EVENTS)
author:
  - The annotation.server authors
"""

import json
import os
import socket
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """A line to whoever injects the faults."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "fault_events"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        line = socket.socket(socket.AF_UNIX)
        line.connect(os.environ["FAULT_EVENTS"])
        self._line = line.makefile("rw")

    def _tell(self, kind: str, **fields: Any) -> None:
        self._line.write(json.dumps({"kind": kind, **fields}) + "\n")
        self._line.flush()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Say which task comes, and wait for leave."""
        self._tell("task", name=task.get_name(), path=task.get_path() or "")
        self._line.readline()

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """Handlers are tasks too."""
        self.v2_playbook_on_task_start(task, False)

    def _result(self, kind: str, result: Any) -> None:
        told = result.result if hasattr(result, "result") else result._result
        task = result.task if hasattr(result, "task") else result._task
        self._tell(kind, name=task.get_name(), message=str(told.get("msg", ""))[:2000])

    def v2_runner_on_ok(self, result: Any) -> None:
        """Say that a task is done."""
        self._result("ok", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Say that a task was left out."""
        self._result("skipped", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Say that a task failed."""
        self._result("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Say that the host went away."""
        self._result("unreachable", result)
