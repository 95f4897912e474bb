"""nuctl: exit codes, words, and what a deploy does to the function that was there. Each test is one fact."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from nuclio_system import FUNCTIONS, VERSION, Nuclio


def test_version_names_the_release(nuclio: Nuclio) -> None:
    assert f"Label: {VERSION}," in nuclio("version").stdout


@pytest.mark.parametrize("kind", ["function", "project"])
def test_what_does_not_exist_is_1_with_the_words_on_stdout(nuclio: Nuclio, kind: str) -> None:
    result = nuclio("get", kind, "contract-nobody")
    assert (result.returncode, result.stdout) == (1, f"No {kind}s found")


def test_an_empty_list_is_0(nuclio: Nuclio) -> None:
    result = nuclio("get", "function", "--namespace", "contract-empty")
    assert (result.returncode, result.stdout) == (0, "No functions found\n")


def test_a_wrong_flag_is_1(nuclio: Nuclio) -> None:
    assert nuclio("get", "function", "--no-such-flag").returncode == 1


def test_creating_a_project_twice_succeeds(nuclio: Nuclio) -> None:
    for description in ("first", "second"):
        assert nuclio("create", "project", "contract", "--description", description).returncode == 0
    project = json.loads(nuclio("get", "project", "contract", "-o", "json").stdout)
    assert project["meta"]["name"] == "contract"
    assert project["spec"]["description"] == "second"


def test_get_is_not_pure(nuclio: Nuclio) -> None:
    nuclio("get", "project")
    assert nuclio("get", "project", "default").returncode == 0
    reader = nuclio.client.containers.get("nuclio-local-storage-reader")
    assert [mount["Name"] for mount in reader.attrs["Mounts"]] == ["nuclio-local-storage"]


def test_several_records_are_not_one_json_document(nuclio: Nuclio) -> None:
    projects = nuclio("get", "project", "-o", "json").stdout
    with pytest.raises(json.JSONDecodeError, match="Extra data"):
        json.loads(projects)


def test_deploying_into_a_missing_project_fails(nuclio: Nuclio, small: Path) -> None:
    result = nuclio.deploy(small, "contract-homeless", "--project-name", "contract-nobody")
    assert result.returncode == 1
    assert nuclio("get", "function", "contract-homeless").returncode == 1


def test_the_command_line_names_the_namespace(nuclio: Nuclio, behaviour: str) -> None:
    assert "namespace: elsewhere" in (FUNCTIONS / "behaviour/function.yaml").read_text()
    assert nuclio.function(behaviour)["metadata"]["namespace"] == "nuclio"
    assert nuclio.container(behaviour).status == "running"


def test_the_record_keeps_annotations_and_says_ready(nuclio: Nuclio, behaviour: str) -> None:
    record = nuclio.function(behaviour)
    assert record["metadata"]["annotations"] == {"type": "interactor", "spec": '{"a": "b, c=d"}'}
    assert record["metadata"]["labels"]["nuclio.io/project-name"] == "contract"
    assert record["spec"]["description"] == "Contract"
    assert record["status"]["state"] == "ready"


def test_the_container_joins_the_network_publishes_nothing_and_restarts(nuclio: Nuclio, behaviour: str) -> None:
    attributes = nuclio.container(behaviour).attrs
    assert list(attributes["NetworkSettings"]["Networks"]) == [nuclio.network]
    assert not attributes["HostConfig"]["PortBindings"]
    assert attributes["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert attributes["Config"]["Labels"]["nuclio.io/function-name"] == behaviour


def test_a_deploy_always_replaces_the_container(nuclio: Nuclio, small: Path) -> None:
    name = "contract-again"
    ids = []
    for _ in range(2):
        assert nuclio.deploy(small, name).returncode == 0
        ids.append(nuclio.container(name).id)
    assert ids[0] != ids[1]


def test_a_deploy_takes_the_old_container_away_before_it_builds(nuclio: Nuclio, small: Path) -> None:
    name = "contract-again"
    assert nuclio.deploy(small, name).returncode == 0
    assert nuclio.deploy(small, name, "--build-command", "exit 7").returncode == 1
    assert not nuclio.client.containers.list(all=True, filters={"name": f"^/nuclio-nuclio-{name}$"})


def test_build_touches_nothing_and_its_image_can_be_deployed(nuclio: Nuclio, small: Path) -> None:
    name, image = "contract-image", "annotation-server/contract/0123"
    assert nuclio.deploy(small, name).returncode == 0
    old, record = nuclio.container(name).id, nuclio.function(name)
    assert nuclio(*nuclio.build_command(small, name, image)).returncode == 0
    assert (nuclio.container(name).id, nuclio.function(name)) == (old, record)
    assert nuclio.client.images.get(f"{image}:latest")
    flags = ["--run-image", image, "--runtime", "python", "--handler", "main:handler"]
    assert nuclio("deploy", name, "--project-name", "contract", *flags).returncode == 0
    assert nuclio.container(name).attrs["Config"]["Image"] == image


def test_a_port_is_published_unless_told_otherwise(nuclio: Nuclio, small: Path) -> None:
    assert nuclio.deploy(small, "contract-again").returncode == 0
    port = nuclio.function("contract-again")["status"]["httpPort"]
    assert nuclio.container("contract-again").attrs["NetworkSettings"]["Ports"]["8080/tcp"][0]["HostPort"] == str(port)


def test_a_deploy_that_does_not_become_ready_leaves_no_old_container(nuclio: Nuclio) -> None:
    name, folder = "contract-broken", FUNCTIONS / "behaviour"
    assert nuclio.deploy(folder, name).returncode == 0
    old = nuclio.container(name).id
    result = nuclio.deploy(folder, name, "--env", "BREAK=start", "--readiness-timeout", "6")
    assert result.returncode == 1
    assert nuclio.function(name)["status"]["state"] == "error"
    assert nuclio.container(name).id != old


def test_a_deploy_whose_build_fails_says_error(nuclio: Nuclio, small: Path) -> None:
    name = "contract-unbuilt"
    assert nuclio.deploy(small, name, "--build-command", "exit 7").returncode == 1
    assert nuclio.function(name)["status"]["state"] == "error"
    # An error does not stand in the way of the next deploy.
    assert nuclio.deploy(small, name).returncode == 0


def test_a_killed_deploy_stays_building_until_it_is_deleted_by_force(nuclio: Nuclio, small: Path) -> None:
    name = "contract-killed"
    command = [str(nuclio.path), *nuclio.deploy_command(small, name, "--build-command", "sleep 20")]
    environment = os.environ | nuclio.environment
    with subprocess.Popen([*command, "--platform", "local"], env=environment, start_new_session=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # fmt: skip
        try:
            while nuclio("get", "function", name).returncode:
                pass
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    nuclio.remove_unfinished_builds()
    assert nuclio.function(name)["status"]["state"] == "building"
    refused = nuclio.deploy(small, name)
    assert refused.returncode == 1
    assert "being provisioned" in refused.stdout + refused.stderr
    assert nuclio("delete", "function", name).returncode == 1
    assert nuclio("delete", "function", name, "--force").returncode == 0
    assert nuclio("get", "function", name).returncode == 1


def test_deleting_what_does_not_exist_succeeds(nuclio: Nuclio) -> None:
    assert nuclio("delete", "function", "contract-nobody").returncode == 0
