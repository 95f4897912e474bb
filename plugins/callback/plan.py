"""Ansible callback: what a run in check mode would do, in a few lines at its end."""

from __future__ import annotations

DOCUMENTATION = r"""
name: plan
type: aggregate
short_description: Ends a run in check mode with a plan
version_added: 0.1.0
description:
  - Sums up, for each host, which packages would be installed, what would be downloaded or built, which containers would
    be made, made anew or removed (while they are, they do not answer), and whether Docker or the server would restart.
  - Silent unless the run is one in check mode.
requirements:
  - enabled in ansible.cfg (C(callbacks_enabled))
author:
  - The annotation.server authors
"""

from collections import defaultdict
from typing import Any

from ansible import context
from ansible.plugins.callback import CallbackBase

DOWNLOADS = ("get_url", "git", "resumable_download", "docker_image_pull")
#: The project's rule: what cannot be done in check mode is left out, and one task says so with these words.
SAYS = "Check mode: "
HEADINGS = {
    "packages": "packages to install",
    "downloads": "downloads",
    "builds": "models to build",
    "containers": "containers made, made anew or removed",
    "restarts": "services to restart",
    "words": "",
    "tasks": "tasks that would change something else",
}


def as_list(value: Any) -> list[str]:
    """Return names given as a list, or as text with commas."""
    return [str(each) for each in value] if isinstance(value, list) else str(value or "").split(",")


def _arguments(result: dict[str, Any]) -> dict[str, Any]:
    return (result.get("invocation") or {}).get("module_args") or {}


def classify(action: str, result: dict[str, Any], title: str) -> list[tuple[str, str]]:
    """Return (heading, line) pairs for one result of one task.

    Args:
        action: the task's module, with or without its collection.
        result: what the module returned.
        title: the task's name.
    """
    module = action.rsplit(".", 1)[-1]
    if module == "debug":
        message = str(result.get("msg", ""))
        return [("words", message.removeprefix(SAYS).strip())] if message.startswith(SAYS) else []
    if not result.get("changed"):
        return []
    given = _arguments(result)
    if module == "apt":
        return [("packages", each) for each in as_list(given.get("name") or given.get("package")) if each]
    if module in DOWNLOADS:
        return [("downloads", str(given.get("url") or given.get("repo") or given.get("name") or title))]
    if module == "docker_compose_v2":
        actions = [each for each in result.get("actions") or [] if each.get("what") == "container"]
        return [("containers", str(each.get("id"))) for each in actions]
    if module == "nuclio_builds":
        return [("builds", each["name"]) for each in result.get("functions") or [] if each.get("build")]
    if module in ("systemd_service", "service", "systemd") and given.get("state") == "restarted":
        return [("restarts", str(given.get("name")))]
    return [("tasks", title)]


class CallbackModule(CallbackBase):
    """Listens to every result, and speaks at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "annotation.server.plan"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self._found: dict[str, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
        self._check = bool(context.CLIARGS.get("check"))

    def _note(self, result: Any) -> None:
        if not self._check:
            return
        task, values = result.task, result.result
        parts = values.get("results") if isinstance(values.get("results"), list) else [values]
        for part in parts:
            if isinstance(part, dict):
                for heading, line in classify(task.action, part, task.get_name()):
                    self._found[result.host.get_name()][heading][line] = None

    def v2_runner_on_ok(self, result: Any) -> None:
        """Note what a task would change."""
        self._note(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print the plan."""
        if not self._check:
            return
        for host in sorted(stats.processed):
            if stats.failures.get(host) or stats.dark.get(host):
                continue  # It ended with a message that says more.
            self._display.banner(f"PLAN for {host}: what this run would do")
            found = self._found.get(host, {})
            for heading, title in HEADINGS.items():
                lines = list(found.get(heading, {}))
                if lines and not title:
                    for line in lines:
                        self._display.display(f"- {line}")
                elif heading == "tasks" and lines:
                    self._display.display(f"- {title}: {len(lines)}")
                elif lines:
                    self._display.display(f"- {title}: {', '.join(lines)}")
            if not any(key != "words" for key in found):
                self._display.display("- nothing would change")
