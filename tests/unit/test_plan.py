"""What a run in check mode says that it would do."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.callback import plan

CHANGED = {"changed": True}


def given(**arguments: Any) -> dict[str, Any]:
    """Return a result that changed something, with its module's arguments."""
    return {**CHANGED, "invocation": {"module_args": arguments}}


@pytest.mark.parametrize(
    ("action", "result", "lines"),
    [
        (
            "ansible.builtin.apt",
            given(name=["docker.io", "restic"]),
            [("packages", "docker.io"), ("packages", "restic")],
        ),
        ("ansible.builtin.get_url", given(url="https://x/nuctl"), [("downloads", "https://x/nuctl")]),
        ("ansible.builtin.git", given(repo="https://x/cvat"), [("downloads", "https://x/cvat")]),
        ("ansible.builtin.systemd_service", given(name="docker", state="restarted"), [("restarts", "docker")]),
        ("ansible.builtin.systemd_service", given(name="docker", state="started"), [("tasks", "Do it")]),
        (
            "community.docker.docker_compose_v2",
            {**CHANGED, "actions": [{"what": "container", "id": "cvat_ui"}, {"what": "network", "id": "cvat_cvat"}]},
            [("containers", "cvat_ui")],
        ),
        (
            "annotation.server.nuclio_builds",
            {**CHANGED, "functions": [{"name": "sam2", "build": True}, {"name": "sam1", "build": False}]},
            [("builds", "sam2")],
        ),
        ("ansible.builtin.debug", {"msg": "Check mode: A reboot is needed."}, [("words", "A reboot is needed.")]),
        ("ansible.builtin.debug", {"msg": "Something else"}, []),
        ("ansible.builtin.copy", {"changed": False}, []),
        ("ansible.builtin.copy", {**CHANGED, "censored": "hidden"}, [("tasks", "Do it")]),
    ],
)
def test_results_become_lines(action: str, result: dict[str, Any], lines: list[tuple[str, str]]) -> None:
    assert plan.classify(action, result, "Do it") == lines


def test_every_heading_has_words() -> None:
    assert {"packages", "downloads", "builds", "containers", "restarts", "words", "tasks"} == set(plan.HEADINGS)
