"""What would not come back after a reboot is found and named, with what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import docker_view, reboot_checks
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed, CheckSkipped, CheckWarning
from docker_containers import container, raw

POOL = "172.20.0.128/25"


def answer(status: int, out: str = "", err: str = ""):
    return lambda command: (status, out, err)


def record(address: str) -> dict[str, Any]:
    return {"metadata": {"name": "sam2"}, "status": {"internalInvocationUrls": [f"{address}:8080"]}}


def model(**changes: Any):
    return container("nuclio-nuclio-sam2", function="sam2", **{"address": "172.20.0.130", **changes})


def test_docker_starts() -> None:
    assert "enabled" in reboot_checks.docker_starts(answer(0, "enabled\n"))
    with pytest.raises(CheckFailed, match=r"docker.service is disabled") as caught:
        reboot_checks.docker_starts(answer(1, "disabled\n"))
    assert "systemctl enable" in caught.value.cure


@pytest.mark.parametrize(
    ("found", "words", "cure"),
    [
        ([container("cvat_db", restart="no")], "cvat_db has the restart policy 'no'", "--tags cvat."),
        ([container("cvat_db"), model(restart="on-failure")], "policy 'on-failure'", "--tags models."),
        ([container("cvat_db", restart=""), model(restart="no")], "cvat_db .*, nuclio-nuclio-sam2", "cvat,models."),
    ],
)
def test_what_stays_away(found: list, words: str, cure: str) -> None:
    with pytest.raises(CheckFailed, match=words) as caught:
        reboot_checks.restart_policies(found)
    assert caught.value.cure.endswith(cure)


def test_a_model_deployed_by_hand_is_named_and_fails_nothing() -> None:
    ours, other = model(), model(by_hand=True, restart="no")
    with pytest.raises(CheckWarning, match="nuclio-nuclio-sam2 has the restart policy 'no' and stays away") as caught:
        reboot_checks.restart_policies([ours, other])
    assert "nuclio_functions_remove=sam2" in caught.value.cure
    with pytest.raises(CheckWarning, match=r"looks for sam2 at 172.20.0.9, .* at 172.20.0.130") as caught:
        reboot_checks.function_addresses([other], {"sam2": record("172.20.0.9")})
    assert "put it into nuclio_functions" in caught.value.cure
    # Ours are judged first.
    with pytest.raises(CheckFailed) as failed:
        reboot_checks.function_addresses([other, ours], {"sam2": record("172.20.0.9")})
    assert failed.type is CheckFailed


def test_what_starts_again_and_again() -> None:
    with pytest.raises(CheckWarning, match="cvat_opa was restarted 9 times"):
        reboot_checks.restart_policies([container("cvat_opa", restarts=9)])
    assert "1 containers" in reboot_checks.restart_policies([container("cvat_db", restart="unless-stopped")])


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (container("cvat_db", fixed=""), "cvat_db take any free address"),
        (container("cvat_db", fixed="172.20.0.200"), r"cvat_db \(172.20.0.200\) lie among"),
    ],
)
def test_addresses_that_can_be_taken(found: docker_view.Container, words: str) -> None:
    with pytest.raises(CheckFailed, match=words) as caught:
        reboot_checks.addresses([container("cvat_server"), found], POOL)
    assert "--tags cvat" in caught.value.cure


def test_addresses() -> None:
    assert "1 services" in reboot_checks.addresses([container("cvat_server"), model()], POOL)


@pytest.mark.parametrize(
    ("noted", "words"),
    [
        ({}, "Nuclio does not know sam2"),
        ({"sam2": record("172.20.0.131")}, "looks for sam2 at 172.20.0.131, but it is at 172.20.0.130"),
    ],
)
def test_models_that_are_elsewhere(noted: dict, words: str) -> None:
    with pytest.raises(CheckFailed, match=words) as caught:
        reboot_checks.function_addresses([model()], noted)
    assert "--tags models" in caught.value.cure


def test_a_model_that_will_be_elsewhere() -> None:
    with pytest.raises(CheckWarning, match="sam2 answer now, but get any free address"):
        reboot_checks.function_addresses([model(fixed="")], {"sam2": record("172.20.0.130")})


def test_models_that_keep_their_addresses() -> None:
    assert "1 models" in reboot_checks.function_addresses([model()], {"sam2": record("172.20.0.130")})
    with pytest.raises(CheckSkipped):
        reboot_checks.function_addresses([model(running=False)], {})


def test_a_look_at_docker() -> None:
    said = {"ps": "aa\n", "inspect": json.dumps([raw("cvat_db"), raw("nuclio-nuclio-sam2", function="sam2")])}
    found = docker_view.look(lambda command: (0, said[command[1]], ""))
    assert [each.name for each in found] == ["cvat_db", "nuclio-nuclio-sam2"]
    assert list(docker_view.by_service(found)) == ["cvat_db"]
    assert [each.function for each in docker_view.models(found)] == ["sam2"]
    assert docker_view.look(answer(0)) == []
    with pytest.raises(CheckFailed, match="Cannot connect"):
        docker_view.look(answer(1, "", "Cannot connect"))
