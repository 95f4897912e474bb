"""A finished server that never had a network."""

from __future__ import annotations

import json

import pytest

testinfra_hosts = ["ansible://annotation-offline"]
PASSWORD = "/etc/annotation-server/secrets/cvat_superuser_password"


def test_it_reaches_nothing(host, mirror) -> None:
    unreachable, unknown = 7, 2  # as curl(1) and getent(1) say; another number could mean anything
    assert host.run("curl --silent --max-time 3 http://%s:8000/", mirror).rc == unreachable
    assert host.run("getent hosts annotation-mirror").rc == unknown
    # Docker's own bridges lead nowhere: there is no way out.
    assert not host.check_output("ip route show default")


def test_people_are_let_in(host) -> None:
    login = f"curl -fsS -u admin:$(cat {PASSWORD}) http://localhost:8080/api/lambda/functions"
    functions = {function["id"] for function in json.loads(host.check_output(login))}
    assert functions == {"sam2", "openvino-omz-public-yolo-v3-tf"}


def test_nothing_was_built_on_the_server(host) -> None:
    """Every image is older than the bundle is here."""
    here = host.check_output("stat --format %Y /opt/annotation-server/bundle/images/index.json")
    images = host.check_output("docker image ls --filter label=annotation-server.made --quiet").split()
    assert len(set(images)) >= 3
    for image in images:
        made = host.check_output("date +%%s --date \"$(docker image inspect --format '{{.Created}}' %s)\"", image)
        assert int(made) <= int(here)


def test_images_are_served_to_this_server_only(host) -> None:
    assert "127.0.0.1:5080" in host.check_output("ss --listening --tcp --numeric --no-header 'sport = :5080'")
    answer = host.check_output("curl -fsS http://127.0.0.1:5080/v2/postgres/manifests/15-alpine")
    assert json.loads(answer)["layers"]


def test_administrators_see_their_own_package_sources(host) -> None:
    assert "bundle" not in host.check_output("apt-get indextargets")
    assert not host.file("/etc/apt/apt.conf.d").listdir() or "bundle" not in host.check_output("apt-config dump")


def test_every_package_of_the_run_came_from_the_bundle(host) -> None:
    run = "APT_CONFIG=/etc/annotation-server/bundle-apt/apt.conf apt-cache policy docker.io python3-boto3"
    assert host.check_output(run).count("file:/opt/annotation-server/bundle/packages") >= 2


@pytest.mark.parametrize("path", ["manifest.json", "wheels", "keys"])
def test_what_only_the_control_node_needs_stays_there(host, path: str) -> None:
    assert not host.file(f"/opt/annotation-server/bundle/{path}").exists
