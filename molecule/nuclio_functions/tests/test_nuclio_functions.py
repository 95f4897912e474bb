"""Functions as CVAT and an administrator meet them."""

from __future__ import annotations

import json

import pytest

CHECKPOINTS = "/opt/annotation-server/functions/.checkpoints"
FUNCTIONS = ["hello", "openvino-dextr", "second"]


def container(host, name: str) -> dict:
    return json.loads(host.check_output(f"docker inspect nuclio-nuclio-{name}"))[0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_survives_a_reboot(host, name: str) -> None:
    assert container(host, name)["HostConfig"]["RestartPolicy"]["Name"] == "always"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_address_at_which_nuclio_calls_it(host, name: str) -> None:
    network = container(host, name)["NetworkSettings"]["Networks"]["cvat_functions"]
    told = host.check_output(
        "docker exec nuclio curl -sS --fail -H 'x-nuclio-function-namespace: nuclio' "
        f"http://127.0.0.1:8070/api/functions/{name}"
    )
    assert json.loads(told)["status"]["internalInvocationUrls"] == [f"{network['IPAddress']}:8080"]
    assert network["IPAMConfig"]["IPv4Address"] == network["IPAddress"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_private(host, name: str) -> None:
    inspected = container(host, name)
    assert list(inspected["NetworkSettings"]["Networks"]) == ["cvat_functions"]
    assert not inspected["HostConfig"]["PortBindings"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_remembers_what_it_was_made_of(host, name: str) -> None:
    annotations = json.loads(container(host, name)["Config"]["Labels"]["nuclio.io/annotations"])
    assert len(annotations["annotation-server/content-hash"]) == 64
    assert json.loads(annotations["annotation-server/inputs"])["nuctl"] == "1.16.3"


@pytest.mark.parametrize(
    ("name", "words"), [("hello", ["hello", "weights of the test", "world"]), ("second", ["no weights", "nobody"])]
)
def test_the_dashboard_passes_requests_on(host, name: str, words: list[str]) -> None:
    answer = host.check_output(
        f"docker exec nuclio curl -sS --fail -X POST -H 'x-nuclio-function-name: {name}' "
        "-H 'x-nuclio-function-namespace: nuclio' http://127.0.0.1:8070/api/function_invocations"
    )
    for word in words:
        assert word in answer


def test_functions_are_in_the_project_that_cvat_reads(host) -> None:
    listed = host.check_output("cd /tmp && nuctl get function --platform local")
    lines = [line.split("|") for line in listed.splitlines() if "|" in line][1:]
    assert sorted(line[1].strip() for line in lines if line[2].strip() == "cvat") == FUNCTIONS


def test_base_images_of_cvat_are_made_from_the_mirror(host) -> None:
    (image,) = json.loads(host.check_output("docker image inspect cvat.openvino.dextr.base"))
    assert image["Config"]["Labels"]["model"] == "dextr"
    layers = json.loads(host.check_output("docker image inspect cvat.openvino.base"))[0]["RootFS"]["Layers"]
    assert image["RootFS"]["Layers"][: len(layers)] == layers


def test_large_pictures_are_accepted(host) -> None:
    spec = json.loads(container(host, "hello")["Config"]["Labels"]["nuclio.io/function-spec"])
    (trigger,) = spec["triggers"].values()
    assert trigger["attributes"]["maxRequestBodySize"] == 64 * 1024 * 1024
    assert trigger["numWorkers"] == 1
    assert "maxWorkers" not in trigger


def test_a_checkpoint_is_kept_once(host) -> None:
    names = [name for name in host.file(CHECKPOINTS).listdir() if name.startswith("43520951cdd0-")]
    inodes = host.check_output(
        f"stat -c %i {CHECKPOINTS}/{names[0]} /opt/annotation-server/functions/hello/weights.txt"
    ).split()
    assert len(names) == 1
    assert inodes[0] == inodes[1]


def test_what_needs_a_gpu_is_left_out(host) -> None:
    assert not host.file("/opt/annotation-server/functions/needs-gpu").exists


def test_nuctl_leaves_nothing_in_the_build_contexts(host) -> None:
    names = set(host.check_output("ls -A /opt/annotation-server/functions/hello").split())
    changed_by_tests = {"building_seconds", "notes.txt"}
    assert names - changed_by_tests == {"function.yaml", "main.py", "shared", "weights.txt"}
