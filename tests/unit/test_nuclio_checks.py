"""What leaves the Models page empty, or makes a click fail, is found and named."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import nuclio_checks
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed, CheckSkipped, CheckWarning
from docker_containers import container

DASHBOARD = container("nuclio", image="10.0.0.1:5000/quay.io/nuclio/dashboard:1.16.3-amd64")


def record(project: str, **annotations: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"nuclio.io/project-name": project}, "annotations": annotations}}


def nuctl(text: str, status: int = 0):
    return lambda command: (status, text, "")


def test_projects() -> None:
    trial = record("default", **{nuclio_checks.TRIAL_ANNOTATION: "sam2"})
    assert "1 functions" in nuclio_checks.projects({"sam2": record("cvat"), "sam2-trial": trial})
    with pytest.raises(CheckFailed, match="mine is in default, not in 'cvat'") as caught:
        nuclio_checks.projects({"sam2": record("cvat"), "mine": record("default")})
    assert "nuctl delete function" in caught.value.cure
    with pytest.raises(CheckSkipped):
        nuclio_checks.projects({})


def test_versions() -> None:
    run = nuctl('Client version:\n"Label: 1.16.3, Git commit: abc"')
    assert "both 1.16.3" in nuclio_checks.versions(run, "/bin/nuctl", [DASHBOARD])
    with pytest.raises(CheckSkipped, match="verify_nuctl"):
        nuclio_checks.versions(run, "", [DASHBOARD])
    with pytest.raises(CheckSkipped, match="does not say its version"):
        nuclio_checks.versions(run, "/bin/nuctl", [container("nuclio", image="dashboard@sha256:abc")])


@pytest.mark.parametrize(
    ("run", "containers", "words"),
    [
        (nuctl("Label: 1.13.0, Git"), [DASHBOARD], "nuctl is 1.13.0, the dashboard 1.16.3"),
        (nuctl("", 127), [DASHBOARD], "does not say its version"),
        (nuctl("Label: 1.16.3, Git"), [container("cvat_server")], "without its serverless file"),
    ],
)
def test_versions_that_do_not_fit(run: Any, containers: list, words: str) -> None:
    with pytest.raises(CheckFailed, match=words) as caught:
        nuclio_checks.versions(run, "/bin/nuctl", containers)
    assert "site.yml" in caught.value.cure


def test_invocation() -> None:
    inside = [container(name, environment={"CVAT_NUCLIO_INVOKE_METHOD": "dashboard"}) for name in nuclio_checks.CALLERS]
    assert "through the dashboard" in nuclio_checks.invocation(inside)
    with pytest.raises(CheckFailed, match=r"cvat_worker_annotation call models at host.docker.internal"):
        nuclio_checks.invocation([inside[0], container("cvat_worker_annotation")])
    open_model = container("x", function="sam2", ports={8080: [{"HostIp": "0.0.0.0", "HostPort": "32768"}]})
    with pytest.raises(CheckWarning, match="sam2 publish a port"):
        nuclio_checks.invocation([*inside, open_model])
