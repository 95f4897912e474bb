"""A server that was set up by hand, after it was taken over: nothing is lost, and nothing is open any more."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

SECRETS = "/etc/annotation-server/secrets"


@pytest.fixture(scope="module")
def settings() -> dict:
    """What was found out, as the user reads it."""
    return yaml.safe_load(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "adopted.yml").read_text())


def ask(host, path: str) -> dict:
    """Ask CVAT's API as the first user."""
    login = f'curl -fsS -u "django:$(cat {SECRETS}/cvat_superuser_password)" -H "Host: annotation.lan"'
    return json.loads(host.check_output(f"{login} http://127.0.0.1:8080{path}"))


def test_the_settings_describe_the_server(settings) -> None:
    assert settings["annotation_server_host"] == "annotation.lan"
    assert settings["annotation_server_superuser"] == "django"
    assert settings["annotation_server_share_dir"] == "/mnt/share"
    assert settings["annotation_server_bucket"] == "cvat-data"
    assert settings["object_storage_extra_buckets"] == [{"name": "second", "display_name": "Ours: second"}]
    assert settings["nuclio_functions"] == [{"name": "yolov3"}]


def test_no_secret_is_in_the_settings(settings) -> None:
    assert "minio123" not in str(settings)
    assert "first password" not in str(settings)


def test_people_still_have_everything(host) -> None:
    keys = " ".join(f'"$(cat {SECRETS}/object_storage_root_{name})"' for name in ("user", "password"))
    before = host.file("/root/state-before").content_string
    assert len(before.splitlines()) > 10
    assert host.check_output(f"/root/state {keys}") == before.rstrip("\n")


def test_the_storages_that_cvat_knew_still_work(host) -> None:
    storages = ask(host, "/api/cloudstorages")["results"]
    assert {each["resource"] for each in storages} == {"cvat-data", "second"}
    assert len(storages) == 2
    assert [ask(host, f"/api/cloudstorages/{each['id']}/status") for each in storages] == ["AVAILABLE"] * 2


def test_models_serve_under_their_old_names(host) -> None:
    names = {each["id"] for each in ask(host, "/api/lambda/functions")}
    assert names == {"openvino-omz-public-yolo-v3-tf", "our-own"}
    ports = host.check_output("docker port nuclio-nuclio-openvino-omz-public-yolo-v3-tf")
    assert ports == ""


def test_the_first_passwords_are_gone(host) -> None:
    login = "curl -s -o /dev/null -w '%{http_code}' -u 'django:first password' -H 'Host: annotation.lan'"
    assert host.check_output(f"{login} http://127.0.0.1:8080/api/users/self") == "401"
    minio = "docker exec -e MC_HOST_x=http://minio:minio123@127.0.0.1:9000 minio mc admin user info x nobody"
    assert host.run(minio).rc != 0
    assert host.check_output("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9000/cvat-data") == "403"


def test_what_was_open_is_closed(host) -> None:
    before = {each["key"] for each in json.loads(host.file("/var/lib/annotation-server/adopted-from.json").content)}
    assert before >= {
        "port nuclio 8070",
        "port minio 9000",
        "port minio 9001",
        "login minio",
        "public cvat-data",
        "folder /mnt/share",
        "folder /mnt/minio-data",
        "ip_range",
    }
    # Whatever listens on more than the loopback: CVAT, and the model that is not ours to touch.
    listening = host.check_output("docker ps --format '{{.Names}} {{.Ports}}'").splitlines()
    opened = {line.split()[0] for line in listening if "0.0.0.0:" in line}
    assert opened == {"traefik", "nuclio-nuclio-our-own"}
    assert host.file("/mnt/share").mode & 0o002 == 0
    assert host.file("/mnt/minio-data").mode & 0o007 == 0
