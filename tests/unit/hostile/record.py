"""ansible-playbook, with every module replaced by one that writes down what it was told, and answers from a list.

What decides - conditions, assertions, includes, facts that roles set - runs for real, and so do templates and filters.

    record.py WORLD RECORDS PLAYBOOK...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ansible.cli.playbook import main as playbook
from ansible.executor.task_executor import TaskExecutor
from ansible.plugins.loader import lookup_loader

REAL = {
    "annotation.server.check_inputs",
    "ansible.builtin.assert",
    "ansible.builtin.debug",
    "ansible.builtin.fail",
    "ansible.builtin.set_fact",
    "ansible.builtin.validate_argument_spec",
    "ansible.builtin.include_vars",
}
WORLD = json.loads(Path(sys.argv[1]).read_text())
RECORDS = Path(sys.argv[2])


class Recorder:
    """Stands in a module's place."""

    def __init__(self, handler: Any, action: str) -> None:
        self._handler, self._action = handler, action

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handler, name)

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write the task down, and answer."""
        task = self._handler._task
        args = json.loads(json.dumps(task.args, default=str))
        if self._action == "ansible.builtin.template":
            lookup = lookup_loader.get("ansible.builtin.template", loader=task._loader, templar=self._handler._templar)
            args["content"] = "".join(lookup.run([args["src"]], task_vars, **(task.vars or {})))
        record = {
            "task": task.get_name(include_role_fqcn=False),
            "action": self._action,
            "args": args,
            "environment": json.loads(json.dumps(task.environment, default=str)),
        }
        with RECORDS.open("a") as file:
            file.write(json.dumps(record) + "\n")
        return self._answer(task.get_name(include_role_fqcn=False).rpartition(" : ")[2], args)

    def _answer(self, name: str, args: dict[str, Any]) -> dict[str, Any]:
        known = WORLD["tasks"].get(name, WORLD["modules"].get(self._action, {"changed": True}))
        asked = str(args.get("path") or args.get("src") or args.get("key") or "")
        answer = json.loads(json.dumps(known).replace("@ASKED@", json.dumps(asked)[1:-1]))
        return {"invocation": {"module_args": args}, **answer}


def main() -> None:
    """Patch, and run."""
    original = TaskExecutor._get_action_handler_with_module_context

    def instead(self: TaskExecutor, templar: Any) -> Any:
        handler, context = original(self, templar)
        action = self._task.resolved_action or self._task.action
        action = action.replace("ansible.legacy.", "ansible.builtin.")
        return (handler if action in REAL else Recorder(handler, action)), context

    TaskExecutor._get_action_handler_with_module_context = instead
    playbook(["ansible-playbook", *sys.argv[3:]])


if __name__ == "__main__":
    main()
