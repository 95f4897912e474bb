"""Action plugin of nuclio_builds: looks first, builds in the background, and shows meanwhile how far the builds are."""

from __future__ import annotations

import json
import shlex
import time
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

_POLL_SECONDS = 2.0
#: Pulling what is below, and what stands in the queue.
_SPARE_SECONDS = 3600


class ActionModule(ActionBase):
    """Runs the module once to look, and a second time, as a job of its own, when something must be built."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Look, build, answer."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = self._task.args
        looked = self._module("nuclio_builds", {**args, "phase": "look"}, task_vars)
        todo = [function["name"] for function in looked.get("functions", []) if function["build"]]
        if looked.get("failed") or not todo or self._task.check_mode:
            return {**result, **looked}
        progress = f"{args['logs']}/.progress.json" if args.get("logs") else None
        limit = int(args.get("timeout") or 3600) * len(todo) + _SPARE_SECONDS
        # The connection may break during a build of half an hour; the job goes on, and is asked for again.
        self._task.async_val = limit
        try:
            job = self._module("nuclio_builds", {**args, "phase": "build", "progress": progress}, task_vars, True)
        finally:
            self._task.async_val = 0
            # The job removes its own folder when it ends: what is called meanwhile needs another.
            self._connection._shell.tmpdir = None
        if "ansible_job_id" not in job:
            return {**result, **job}
        if not boolean(args.get("wait", True)):
            return {**result, **looked}
        return {**result, **self._wait(job["ansible_job_id"], progress, limit, task_vars or {})}

    def _module(
        self, name: str, args: dict[str, Any], task_vars: dict[str, Any] | None, job: bool = False
    ) -> dict[str, Any]:
        full = name if "." in name else f"annotation.server.{name}"
        answer: dict[str, Any] = self._execute_module(
            module_name=full, module_args=args, task_vars=task_vars, wrap_async=job
        )
        return answer

    def _wait(self, job: str, progress: str | None, limit: float, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Wait for the job; show lines about it, not more often than asked for."""
        folder = self._remote_expand_user(self.get_shell_option("async_dir", default="~/.ansible_async"))
        asked = {"jid": job, "_async_dir": folder}
        interval = float(self._task.args.get("interval", 30))
        begun = shown = time.monotonic()
        while time.monotonic() - begun < limit:
            time.sleep(_POLL_SECONDS)
            answer = self._module("ansible.legacy.async_status", {**asked, "mode": "status"}, task_vars)
            if answer.get("finished") or answer.get("failed"):
                self._module("ansible.legacy.async_status", {**asked, "mode": "cleanup"}, task_vars)
                return {key: value for key, value in answer.items() if key not in ("ansible_job_id", "results_file")}
            if progress and interval and time.monotonic() - shown >= interval:
                shown = time.monotonic()
                self._show(progress, str(task_vars.get("inventory_hostname", "")))
        return {"failed": True, "msg": f"The images were not built within {limit:.0f} s."}

    def _show(self, progress: str, host: str) -> None:
        said = self._low_level_execute_command(f"cat {shlex.quote(progress)}")
        try:
            lines = json.loads(said["stdout"])
        except ValueError:
            return
        for line in lines:
            Display().display(f"  {host}: building {line}")
