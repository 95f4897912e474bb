"""The finished server, after a restart, as its users and their neighbours on the network meet it."""

from __future__ import annotations

import http.client
import ipaddress
import json

import pytest

PASSWORD = "/etc/annotation-server/secrets/cvat_superuser_password"
GUIDE = {"cvat_server": 30, "minio": 20, "nuclio": 5, "cvat_db": 3, "cvat_ui": 18}


@pytest.fixture(scope="module")
def address(host) -> str:
    """The host's address on the demo's network, as this machine sees it."""
    return host.check_output("ip -4 -oneline address show dev eth0").split()[3].split("/")[0]


def get(host, path: str) -> dict:
    """Ask CVAT's API as the first user."""
    login = f"curl -fsS -u admin:$(cat {PASSWORD}) http://localhost:8080{path}"
    return json.loads(host.check_output(login))


def test_people_on_the_network_open_cvat(address) -> None:
    connection = http.client.HTTPConnection(address, 8080, timeout=10)
    connection.request("GET", "/", headers={"Host": "localhost"})
    assert connection.getresponse().status == 200


@pytest.mark.parametrize("port", [8070, 8090, 9000, 9001])
def test_administration_is_not_open_to_the_network(address, port: int) -> None:
    with pytest.raises(OSError):
        http.client.HTTPConnection(address, port, timeout=3).request("GET", "/")


def test_administration_answers_on_the_server_itself(host) -> None:
    assert host.run("curl -fsS -o /dev/null http://127.0.0.1:8070/api/versions").rc == 0


def test_models_are_offered(host) -> None:
    functions = {function["id"]: function for function in get(host, "/api/lambda/functions")}
    assert functions["sam2"]["kind"] == "interactor"
    assert functions["sam2-auto"]["kind"] == functions["openvino-omz-public-yolo-v3-tf"]["kind"] == "detector"
    assert functions["sam2-tracker"]["kind"] == "tracker"
    assert {"openvino-dextr", "pth-facebookresearch-sam-vit-h"} < set(functions)


def test_cloud_storage_is_offered_and_reached(host) -> None:
    storages = get(host, "/api/cloudstorages")["results"]
    assert [storage["resource"] for storage in storages] == ["cvat-storage"]
    assert get(host, f"/api/cloudstorages/{storages[0]['id']}/status") == "AVAILABLE"


def test_containers_have_the_guides_addresses(host) -> None:
    network = json.loads(host.check_output("docker network inspect cvat_cvat"))[0]
    found = {c["Name"]: ipaddress.ip_interface(c["IPv4Address"]).ip for c in network["Containers"].values()}
    base = ipaddress.ip_address("172.20.0.0")
    assert {name: found[name] for name in GUIDE} == {name: base + number for name, number in GUIDE.items()}
    assert not [name for name in found if name.startswith("nuclio-nuclio-")]


def test_share_is_read_and_not_written(host) -> None:
    host.check_output("echo seen > /mnt/share/note.txt")
    inside = "docker exec cvat_server sh -c"
    assert host.check_output(f"{inside} 'cat /home/django/share/note.txt'") == "seen"
    assert host.run(f"{inside} 'echo no > /home/django/share/note.txt'").rc != 0


def test_secrets_are_for_root_alone(host) -> None:
    assert host.file("/etc/annotation-server/secrets").mode == 0o700
    assert host.file(PASSWORD).mode == 0o600


def test_report_of_the_last_verify_is_all_green(host) -> None:
    checks = json.loads(host.file("/var/lib/annotation-server/verify.json").content_string)["checks"]
    assert checks
    assert not [check for check in checks if check["state"] == "failed"]


def test_other_people_s_settings_of_docker_are_still_there(host) -> None:
    settings = json.loads(host.file("/etc/docker/daemon.json").content_string)
    assert settings["live-restore"] is True and settings["labels"] == ["owner=wiki"]
    assert settings["log-opts"]["tag"] == "wiki" and "192.0.2.7:5000" in settings["insecure-registries"]


def test_other_people_s_service_came_back_as_well(host) -> None:
    host.check_output("/root/wiki restarted")
    assert host.run("curl -fsS http://127.0.0.1:9300/page").stdout == "page\n"
