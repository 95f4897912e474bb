"""Probes read what hosts and Docker say, go on when something hangs, and hand on no environment."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import (
    cause_facts,
    cause_probes_docker,
    cause_probes_host,
    cause_probes_mounts,
    causes,
    questions,
)
from ansible_collections.annotation.server.plugins.module_utils.cause_rules import RULES
from ansible_collections.annotation.server.plugins.module_utils.nuclio_cli import Answer

ROOT = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
NAS = "40 22 0:44 / /mnt/share rw,relatime - nfs4 nas:/export rw\n"


class Says:
    """Answers commands by how they begin."""

    def __init__(self, **answers: str | tuple[int, str]) -> None:
        self.answers = answers

    def __call__(self, command: Sequence[str], **_: Any) -> Answer:
        text = " ".join(command)
        for beginning, answer in self.answers.items():
            if text.startswith(beginning.replace("_", " ")):
                return Answer(0, answer) if isinstance(answer, str) else Answer(answer[0], "", answer[1])
        return Answer(questions.NOT_THERE, "", f"{command[0]}: No such file or directory")


def host(tmp_path: Path, mounts: str, inside: dict[int, str], fstab: str = "") -> Path:
    """Make a host's folder with mount tables."""
    for pid, text in [("self", mounts), *inside.items()]:
        (tmp_path / f"proc/{pid}").mkdir(parents=True)
        (tmp_path / f"proc/{pid}/mountinfo").write_text(text)
    (tmp_path / "etc/systemd/system/docker.service.d").mkdir(parents=True)
    (tmp_path / "etc/fstab").write_text(fstab)
    return tmp_path


def share(root: Path) -> dict[str, Any]:
    return cause_probes_mounts.describe("/mnt/share", "/home/django/share", {"cvat_server": 7}, root)


def bound(device: str, folder: str, kind: str = "nfs4 nas:/export") -> str:
    return f"90 80 {device} {folder} /home/django/share ro,relatime - {kind} rw\n"


@pytest.mark.parametrize(
    ("mounts", "inside", "seen"),
    [
        (ROOT + NAS, bound("0:44", "/"), "same"),
        (ROOT, bound("8:1", "/mnt/share", "ext4 /dev/sda1"), "same"),
        (ROOT, bound("0:44", "/"), "nfs4 nas:/export /"),
        (ROOT + NAS, bound("8:1", "/mnt/share", "ext4 /dev/sda1"), "ext4 /dev/sda1 /mnt/share"),
        (ROOT, bound("8:1", "/mnt/share//deleted", "ext4 /dev/sda1"), "ext4 /dev/sda1 /mnt/share//deleted"),
        (ROOT, "", "absent"),
    ],
    ids=["mounted", "a folder", "unmounted since", "mounted since", "made anew", "not given"],
)
def test_what_a_container_sees_of_a_folder(tmp_path: Path, mounts: str, inside: str, seen: str) -> None:
    assert share(host(tmp_path, mounts, {7: inside}))["containers"] == {"cvat_server": seen}


def test_whether_a_folder_should_be_mounted(tmp_path: Path) -> None:
    root = host(tmp_path, ROOT, {}, "# nas:/old /mnt/share nfs\nnas:/export /mnt/share/ nfs4 defaults 0 0\n")
    (root / "etc/systemd/system/docker.service.d/x.conf").write_text("[Unit]\nRequiresMountsFor='/mnt/share' /a\n")
    found = share(root)
    assert found["expected_by"] == ["/etc/fstab", "/etc/systemd/system/docker.service.d/x.conf"]
    assert found["mounted"] == ""


def test_blanks_in_paths(tmp_path: Path) -> None:
    root = host(tmp_path, ROOT + "40 22 0:44 / /mnt/my\\040share rw - tmpfs none rw\n", {})
    assert cause_probes_mounts.describe("/mnt/my share", "/x", {}, root)["mounted"] == "tmpfs none"


def test_whom_the_kernel_ended() -> None:
    line = (
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=docker-0123456789abcdef0123.scope,"
        "oom_memcg=/x,task_memcg=/system.slice/docker-0123456789abcdef0123.scope,task=python3,pid=9,uid=0"
    )
    said = cause_probes_host.ended_for_memory(Says(dmesg=f"eth0: up\n{line}\n"))
    assert [(entry["id"], entry["task"]) for entry in said] == [("0123456789ab", "python3")]
    assert cause_probes_host.ended_for_memory(Says(dmesg=(1, "Operation not permitted"))) == []


def test_units_and_rules_of_the_packet_filter(tmp_path: Path) -> None:
    units = cause_probes_host.units(Says(systemctl="Id=docker.service\nActiveState=active\n\nId=ufw.service\n"))
    assert units["docker.service"]["ActiveState"] == "active" and "ufw.service" in units
    nat = (
        "-A DOCKER ! -i br-1 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.20.0.6:8080\n"
        "-A POSTROUTING -s 172.20.0.0/24 ! -o br-1 -j MASQUERADE\n"
    )
    (tmp_path / "etc/docker").mkdir(parents=True)
    rules = cause_probes_host.firewall(Says(iptables=nat), tmp_path)
    assert rules == {"known": True, "dnat": ["8080"], "guards": None}
    tables = "table ip nat\ntable bridge annotation_server_functions\ntable inet annotation_server_functions\n"
    assert cause_probes_host.firewall(Says(nft=tables), tmp_path)["guards"] == ["bridge", "inet"]
    assert not cause_probes_host.firewall(Says(), tmp_path)["known"]
    (tmp_path / "etc/docker/daemon.json").write_text('{"iptables": false}')
    assert not cause_probes_host.firewall(Says(iptables=nat), tmp_path)["known"]


def test_secrets_are_looked_at_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "open").write_text("Planted")
    (tmp_path / "closed").write_text("Planted")
    (tmp_path / "closed").chmod(0o600)
    (tmp_path / "open").chmod(0o644)
    tmp_path.chmod(0o700)
    found = cause_probes_host.secrets(tmp_path)
    assert len(found["open"]) == 1 and "open has mode 0644" in found["open"][0]
    assert "Planted" not in json.dumps(found)
    assert cause_probes_host.secrets(tmp_path / "no")["error"] == "No such file or directory"


CONTAINER = {
    "Id": "0123456789abcdef",
    "Name": "/cvat_server",
    "RestartCount": 2,
    "State": {"Status": "exited", "ExitCode": 1, "FinishedAt": "2026-11-25T18:00:00.1Z", "Running": False},
    "Config": {
        "Image": "cvat/server:v2.80.0",
        "Env": ["DB_PASSWORD=Planted", "HTTP_PROXY=http://u:Planted@p", "NO_PROXY=minio", "CVAT_SERVERLESS=1"],
        "Labels": {
            "com.docker.compose.service": "cvat_server",
            "com.docker.compose.project": "cvat",
            "traefik.http.routers.cvat.rule": "(Host(`a`) || Host(`b`)) && PathPrefix(`/api/`)",
        },
    },
    "HostConfig": {"RestartPolicy": {"Name": "always"}},
    "NetworkSettings": {"Networks": {"cvat_cvat": {"IPAddress": "172.20.0.30"}}, "Ports": {"8080/tcp": None}},
    "Mounts": [{"Destination": "/home/django/data", "Source": "/v/_data"}],
}


def test_a_container_without_its_environment() -> None:
    found = cause_probes_docker.container(CONTAINER)
    assert (found["state"], found["hosts"], found["proxy"], found["no_proxy"]) == ("exited", ["a", "b"], True, "minio")
    assert found["variables"] == {"CVAT_SERVERLESS": "1"} and found["restart"] == "always"
    assert "Planted" not in json.dumps(found)


@pytest.mark.parametrize(
    ("lines", "crashed", "expected"),
    [
        (["start", "ValueError: no weights", "Failed to start a worker"], True, "ValueError: no weights"),
        (
            ["LOG: checkpoint", "FATAL:  lock file exists", "LOG: could not bind, error"],
            False,
            "FATAL:  lock file exists",
        ),
        (["connection refused", "retrying"], False, "connection refused"),
        (["GET / 200", "FATAL: terminating connection due to administrator command"], False, ""),
        (["GET / 200"], True, "GET / 200"),
        ([], True, ""),
    ],
)
def test_the_line_that_tells_most(lines: list[str], crashed: bool, expected: str) -> None:
    assert cause_probes_docker.telling(lines, crashed) == expected


def test_what_compose_wants(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("")
    services = {
        "traefik": {
            "container_name": "traefik",
            "image": "traefik:v3",
            "networks": {"cvat": {"ipv4_address": "172.20.0.6"}},
            "ports": [{"host_ip": "0.0.0.0", "published": "8080", "target": 8080}],
            "depends_on": {"migrate": {"condition": "service_completed_successfully"}},
        },
        "migrate": {"image": "cvat/server:v2", "volumes": [{"target": "/home/django/share"}]},
    }
    found = cause_probes_docker.wanted(Says(docker_compose=json.dumps({"services": services})), str(tmp_path))[
        "services"
    ]
    assert found["traefik"]["address"] == "172.20.0.6" and found["traefik"]["ports"][0]["port"] == 8080
    assert found["migrate"]["ends"] and not found["traefik"]["ends"]
    assert found["migrate"]["inside"] == ["/home/django/share"]
    refused = cause_probes_docker.wanted(Says(docker_compose=(1, "yaml: line 3")), str(tmp_path))
    assert refused == {"error": "yaml: line 3", "services": {}, "absent": False}
    assert cause_probes_docker.wanted(Says(), str(tmp_path / "no"))["absent"]


def test_engines_that_do_not_answer() -> None:
    assert not cause_probes_docker.engine(Says())["installed"]
    down = cause_probes_docker.engine(Says(docker=(1, "Cannot connect to the Docker daemon")))
    assert down["installed"] and not down["reachable"] and not down["hangs"]
    assert cause_probes_docker.engine(Says(docker=(questions.TOO_LATE, "no answer")))["hangs"]


def test_what_hangs_or_fails_does_not_hold_up_the_rest() -> None:
    never = threading.Event()
    unanswered: dict[str, str] = {}
    answers = questions.together({"a": lambda: 1, "b": never.wait, "c": lambda: 1 // 0}, 0.2, unanswered)
    never.set()
    assert answers == {"a": 1, "b": None, "c": None}
    assert unanswered == {"b": "no answer within 0 s", "c": "ZeroDivisionError: integer division or modulo by zero"}


def test_commands_have_a_limit() -> None:
    assert questions.ask(["sleep", "5"], timeout=0.1).rc == questions.TOO_LATE
    assert questions.ask(["no-such-program"]).rc == questions.NOT_THERE
    assert questions.ask(["pwd"]).out == "/\n"


def test_a_host_on_which_nothing_is(tmp_path: Path) -> None:
    """No Docker, no CVAT, no secrets: the diagnosis ends with what is most fundamental."""
    server = cause_facts.Server(
        ask=Says(),
        secrets_dir=tmp_path / "secrets",
        state_dir=tmp_path,
        cvat_dir=str(tmp_path / "cvat"),
        share_dir=str(tmp_path),
        functions_dir=tmp_path,
        nuctl="nuctl",
        host="localhost",
        url="http://127.0.0.1:1",
        root=tmp_path,
    )
    facts, variables = cause_facts.gather(server)
    assert variables == [] and facts["unanswered"] == {}
    assert [each.cause.key for each in causes.find(facts, RULES)] == ["docker.missing", "secrets.missing"]
