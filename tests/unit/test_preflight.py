"""What preflight says about a host: every row is a host, and the sentences its user reads."""

from __future__ import annotations

import copy
import string
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.filter import preflight
from ansible_collections.annotation.server.plugins.module_utils import preflight_checks, preflight_messages

GIB = 1024**3


def disk(path: str, **other: Any) -> dict[str, Any]:
    usual = {
        "path": path, "exists": True, "is_dir": True, "error": "", "nearest": path, "real": path, "mount": "/",
        "is_mount": False, "fstype": "ext4", "read_only": False, "writable": True, "free": 300 * GIB, "used": 50 * GIB,
        "used_percent": 14.3, "free_inodes_percent": 90.0,
    }  # fmt: skip
    return {**usual, **other}


GOOD: dict[str, Any] = {
    "system": {
        "system": "Linux", "machine": "x86_64", "kernel": "6.12", "id": "debian",
        "name": "Debian GNU/Linux 13 (trixie)", "version": "13", "codename": "trixie",
        "wsl": 0, "python": "3.13.5", "is_root": True, "hostname": "box",
    },
    "processor": {"count": 8, "lacks": []},
    "memory": {"total": 32 * GIB, "available": 30 * GIB, "swap": 0},
    "control_groups": "v2",
    "systemd": True,
    "graphics": {"devices": [], "wsl": False, "driver": ""},
    "secure_boot": "off",
    "clock": {"offset": 0.2, "synchronised": True},
    "disks": [disk("/mnt/share"), disk("/var/lib/docker")],
    "listeners": [],
    "routes": [{"network": "192.168.1.0/24", "interface": "eth0", "direct": True}],
    "names": {"cvat.lan": ["192.168.1.5"]},
    "internet": [{"url": "https://quay.io/v2/", "reached": True, "trusted": True, "status": 401, "error": ""}],
    "ca_bundle": True,
    "docker": {"reachable": False, "networks": [], "containers": [], "client": "", "daemon": "", "compose": ""},
    "packages": {"installed": {}, "broken": [], "interrupted": False},
}  # fmt: skip
WISHES: dict[str, Any] = {
    "host": "box", "language": "en", "accept": [], "ansible_version": "2.19.14", "server_name": "cvat.lan",
    "ports": [
        {"port": 8080, "bind": "0.0.0.0", "purpose": "CVAT", "variable": "annotation_server_http_port"},
        {"port": 9000, "bind": "127.0.0.1", "purpose": "the store", "variable": "annotation_server_admin_bind"},
    ],
    "subnet": "172.20.0.0/24", "ip_range": "172.20.0.128/25", "fixed_offsets": [2, 3, 21, 30],
    "functions_subnet": "172.20.1.0/24",
    "network": "cvat_cvat", "own_projects": ["cvat"], "disk_minimum_gb": {"/mnt/share": 1, "/var/lib/docker": 25},
    "memory_minimum_mb": 3500, "memory_recommended_mb": 7500, "gpu": "auto",
}  # fmt: skip


def judge(host: dict[str, Any] | None = None, **wishes: Any) -> dict[str, dict[str, Any]]:
    """Judge the good host with some parts exchanged; parts that are dictionaries are merged."""
    changed = copy.deepcopy(GOOD)
    for key, value in (host or {}).items():
        changed[key] = {**changed[key], **value} if isinstance(value, dict) else value
    found = preflight_checks.find(changed, {**WISHES, **wishes})
    return {finding["check"]: finding for finding in found}


def test_a_good_host_is_told_only_that_it_has_no_gpu() -> None:
    assert [(f["level"], f["check"]) for f in judge().values()] == [("note", "gpu_none")]


NVIDIA = {"devices": [{"slot": "0000:01:00.0", "device": "0x2684"}]}
LISTENER = {"address": "0.0.0.0", "port": 8080, "pid": 71, "process": "nginx"}


def docker(**parts: Any) -> dict[str, Any]:
    return {"docker": {"reachable": True, **parts}}


def container(name: str, project: str, port: int, address: str = "0.0.0.0") -> dict[str, Any]:
    return {"name": name, "project": project, "ports": [{"address": address, "port": port}]}


def network(name: str, subnet: str, interface: str = "br-0123456789ab") -> dict[str, Any]:
    return {"name": name, "subnets": [subnet], "interface": interface, "project": ""}


CASES: list[tuple[str, dict[str, Any], dict[str, Any], str, str, str]] = [
    # name, host, wishes, level, check, part of the sentence
    ("mac", {"system": {"system": "Darwin"}}, {}, "error", "mac", "macOS, which can be the control node only"),
    ("freebsd", {"system": {"system": "FreeBSD", "name": "FreeBSD"}}, {}, "error", "not_linux", "not Linux"),
    ("fedora", {"system": {"id": "fedora", "name": "Fedora 42"}}, {}, "error", "distribution", "Fedora 42"),
    ("ubuntu 20.04", {"system": {"id": "ubuntu", "version": "20.04", "name": "Ubuntu 20.04.6 LTS"}}, {},
     "error", "release_old", "Ubuntu 20.04.6 LTS, which is past its support"),
    ("debian 11", {"system": {"version": "11", "name": "Debian 11"}}, {}, "error", "release_old", "past its support"),
    ("debian testing", {"system": {"version": "", "name": "Debian forky/sid"}}, {},
     "error", "release_unknown", "was not made for"),
    ("ubuntu 25.10", {"system": {"id": "ubuntu", "version": "25.10", "name": "Ubuntu 25.10"}}, {},
     "error", "release_unknown", "Ubuntu 25.10"),
    ("arm", {"system": {"machine": "aarch64"}}, {}, "error", "architecture", "aarch64"),
    ("wsl 1", {"system": {"wsl": 1}}, {}, "error", "wsl1", "cannot run Docker"),
    ("wsl 2", {"system": {"wsl": 2}}, {}, "note", "wsl2", "driver comes from Windows"),
    ("old ansible", {}, {"ansible_version": "2.18.9"}, "error", "ansible", "2.18.9; at least 2.19"),
    ("old python", {"system": {"python": "3.9.2"}}, {}, "error", "python", "Python 3.9.2"),
    ("no root", {"system": {"is_root": False}}, {}, "error", "not_root", "ordinary user"),
    ("no systemd", {"systemd": False}, {}, "error", "systemd", "not started by systemd"),
    ("no cgroups", {"control_groups": "none"}, {}, "error", "control_groups", "no control groups"),
    ("cgroups v1", {"control_groups": "v1"}, {}, "note", "control_groups_v1", "giving up"),
    ("clock a little off", {"clock": {"offset": -90.0}}, {}, "warning", "clock_offset", "by 90 seconds"),
    ("clock far off", {"clock": {"offset": 86400.0}}, {}, "error", "clock_offset", "86400"),
    ("clock free", {"clock": {"synchronised": False}}, {}, "note", "clock_free", "Nothing keeps the clock"),
    ("dpkg stopped", {"packages": {"interrupted": True}}, {}, "error", "dpkg", "half-way."),
    ("dpkg broken", {"packages": {"broken": ["linux-image"]}}, {}, "error", "dpkg", "(linux-image)"),
    ("snap", docker(client="/snap/docker/2915/bin/docker"), {}, "error", "docker_snap", "cannot read /opt"),
    ("docker desktop", docker(operating_system="Docker Desktop"), {}, "error", "docker_desktop", "another machine"),
    ("kvm64", {"processor": {"lacks": ["ssse3", "sse4_2", "avx2"]}}, {}, "error", "processor_old", "ssse3, sse4_2;"),
    ("no avx2", {"processor": {"lacks": ["avx2"]}}, {}, "warning", "processor_slow", "AVX2"),
    ("2 GiB", {"memory": {"total": 2 * GIB}}, {}, "error", "memory", "2.0 GiB of memory"),
    ("6 GiB", {"memory": {"total": 6 * GIB}}, {}, "warning", "memory_low", "6.0 GiB"),
    ("link loop", {"disks": [{"path": "/mnt/share", "error": "Too many levels of symbolic links"}]}, {},
     "error", "disk_unreadable", "Too many levels"),
    ("file in the way", {"disks": [disk("/mnt/share/x", is_dir=False, nearest="/mnt/share")]}, {},
     "error", "disk_not_folder", "/mnt/share on box exists and is not a folder"),
    ("read-only", {"disks": [disk("/mnt/share", read_only=True, mount="/mnt/share")]}, {},
     "error", "disk_read_only", "on /mnt/share, which is mounted read-only"),
    ("root squash", {"disks": [disk("/mnt/share", writable=False)]}, {},
     "error", "disk_not_writable", "no_root_squash"),
    ("little space", {"disks": [disk("/mnt/share", free=20 * GIB), disk("/var/lib/docker", free=20 * GIB)]}, {},
     "error", "disk_space", "20.0 GiB free for /mnt/share and /var/lib/docker; 26 GiB"),
    ("inodes", {"disks": [disk("/mnt/share", free_inodes_percent=1.5)]}, {}, "error", "disk_inodes", "only 1.5 %"),
    ("95 % full", {"disks": [disk("/mnt/share", used=95 * GIB, free=5 * GIB, used_percent=95.0)]}, {},
     "warning", "disk_full", "is 95.0 % full. Above 90 %"),
    ("will be full", {"disks": [disk("/var/lib/docker", used=70 * GIB, free=30 * GIB, used_percent=70.0)]}, {},
     "warning", "disk_full", "70.0 % full and will be 95 % full with CVAT's images"),
    ("port, process", {"listeners": [LISTENER]}, {},
     "error", "port", "taken by the process nginx (pid 71, on 0.0.0.0)"),
    ("port, hidden", {"listeners": [{**LISTENER, "pid": 0}]}, {}, "error", "port", "cannot be seen"),
    ("port, container", docker(containers=[container("web", "shop", 8080)]), {}, "error", "port", "the container web"),
    ("port, v6", {"listeners": [{**LISTENER, "address": "::"}]}, {}, "error", "port", "nginx"),
    ("port 0", {}, {"ports": [{**WISHES["ports"][0], "port": 0}]}, "error", "port_value", "0 is no port for CVAT"),
    ("port twice", {}, {"ports": [WISHES["ports"][0], {**WISHES["ports"][1], "port": "8080"}]},
     "error", "port_twice", "CVAT and the store"),
    ("no subnet", {}, {"subnet": "172.20.0.0"}, "error", "subnet_value", "172.20.0.0"),
    ("host bits", {}, {"subnet": "172.20.0.1/24"}, "error", "subnet_value", "172.20.0.1/24"),
    ("public subnet", {}, {"subnet": "8.8.8.0/24"}, "error", "subnet_value", "no private IPv4 network"),
    ("range elsewhere", {}, {"ip_range": "172.21.0.128/25"}, "error", "ip_range_value", "no part of 172.20.0.0/24"),
    ("range over fixed", {}, {"ip_range": "172.20.0.0/25"}, "error", "ip_range_fixed", "172.20.0.21 and 1 more"),
    ("small subnet", {}, {"subnet": "172.20.0.0/28", "ip_range": "172.20.0.8/29"},
     "error", "subnet_small", "172.20.0.30"),
    ("models among CVAT", {}, {"functions_subnet": "172.20.0.64/26"},
     "error", "functions_subnet_value", "apart from CVAT"),
    ("public subnet of models", {}, {"functions_subnet": "8.8.8.0/24"}, "error", "functions_subnet_value", "8.8.8.0"),
    ("other network of models", docker(networks=[network("shop_default", "172.20.1.0/24")]), {},
     "error", "subnet_docker", "annotation_server_functions_subnet"),
    ("lan of models", {"routes": [{"network": "172.20.1.0/24", "interface": "eth0", "direct": True}]}, {},
     "error", "subnet_host", "172.30.1.0/24"),
    ("other network", docker(networks=[network("shop_default", "172.20.0.0/16")]), {},
     "error", "subnet_docker", "172.20.0.0/16 of the Docker network shop_default"),
    ("lan", {"routes": [{"network": "172.20.0.0/22", "interface": "eth0", "direct": True}]}, {},
     "error", "subnet_host", "172.20.0.0/22, which the interface eth0"),
    ("vpn route inside", {"routes": [{"network": "172.20.0.64/26", "interface": "tun0", "direct": False}]}, {},
     "error", "subnet_host", "tun0"),
    ("vpn route around", {"routes": [{"network": "172.16.0.0/12", "interface": "tun0", "direct": False}]}, {},
     "warning", "subnet_route", "172.16.0.0/12 through tun0"),
    ("gpu wanted", {}, {"gpu": True}, "error", "gpu_missing", "has no NVIDIA device"),
    ("gpu wanted, as text", {}, {"gpu": "true"}, "error", "gpu_missing", "has no NVIDIA device"),
    ("gpu found", {"graphics": NVIDIA}, {}, "note", "gpu_found", "1 NVIDIA device(s); driver loaded: none"),
    ("gpu in wsl", {"graphics": {"wsl": True}}, {"gpu": True}, "note", "gpu_found", "1 NVIDIA"),
    ("gpu left alone", {"graphics": NVIDIA}, {"gpu": False}, "note", "gpu_ignored", "left alone"),
    ("secure boot", {"graphics": NVIDIA, "secure_boot": "on"}, {}, "warning", "secure_boot", "signed modules only"),
    ("no internet", {"internet": [{**GOOD["internet"][0], "reached": False, "error": "timed out"}]}, {},
     "error", "internet", "cannot reach https://quay.io/v2/: timed out"),
    ("strange certificate", {"internet": [{**GOOD["internet"][0], "trusted": False, "error": "self-signed"}]}, {},
     "error", "certificate", "certificate of https://quay.io/v2/: self-signed"),
    ("name with scheme", {}, {"server_name": "http://cvat.lan"}, "error", "server_name", "http://cvat.lan"),
    ("name with port", {}, {"server_name": "cvat.lan:8080"}, "error", "server_name", "no scheme, port"),
    ("number that is none", {}, {"server_name": "192.168.1.500"}, "error", "server_name", "192.168.1.500"),
    ("empty name", {}, {"server_name": ""}, "error", "server_name", "''"),
    ("localhost", {}, {"server_name": "localhost"}, "warning", "server_name_local", "nobody but box"),
    ("unknown name", {}, {"server_name": "cvat.example"}, "warning", "server_name_unknown", "cvat.example"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("host", "wishes", "level", "check", "part"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_finding(host: dict[str, Any], wishes: dict[str, Any], level: str, check: str, part: str) -> None:
    found = judge(host, **wishes)
    assert check in found, found
    assert found[check]["level"] == level
    assert part in found[check]["problem"] + found[check]["cure"]


@pytest.mark.parametrize(
    ("name", "host", "wishes"),
    [
        ("our own container holds the port", {**docker(containers=[container("traefik", "cvat", 8080)]),
                                              "listeners": [{**LISTENER, "process": "docker-proxy"}]}, {}),
        ("another address of the same port", {"listeners": [{**LISTENER, "address": "192.168.1.5", "port": 9000}]}, {}),
        ("the models' own network",
         {**docker(networks=[network("cvat_functions", "172.20.1.0/24", "cvat-functions")]),
          "routes": [{"network": "172.20.1.0/24", "interface": "cvat-functions", "direct": True}]}, {}),
        ("the models' own network while Docker is stopped",
         {"routes": [{"network": "172.20.1.0/24", "interface": "cvat-functions", "direct": True}]}, {}),
        ("our own network", {**docker(networks=[network("cvat_cvat", "172.20.0.0/24", "br-cvat")]),
                             "routes": [{"network": "172.20.0.0/24", "interface": "br-cvat", "direct": True}]}, {}),
        ("our network while Docker is stopped",
         {"routes": [{"network": "172.20.0.0/24", "interface": "br-0123456789ab", "direct": True}]}, {}),
        ("IPv6 network", docker(networks=[network("six", "fd00::/64")]), {}),
        ("ubuntu 24.04", {"system": {"id": "ubuntu", "version": "24.04"}}, {}),
        ("secure boot with a loaded driver", {"graphics": {**NVIDIA, "driver": "580.95"}, "secure_boot": "on"}, {}),
        ("no authorities at all, which come with Docker",
         {"internet": [{**GOOD["internet"][0], "trusted": False}], "ca_bundle": False}, {}),
        ("images are there already", {**docker(containers=[container("cvat_server", "cvat", 1)]),
                                      "disks": [disk("/var/lib/docker", free=12 * GIB)]}, {}),
        ("address as name", {}, {"server_name": "192.168.1.5"}),
        ("a small subnet that is large enough", {}, {"subnet": "10.9.0.0/26", "ip_range": "10.9.0.32/27"}),
    ],
)  # fmt: skip
def test_no_reason_to_stop(name: str, host: dict[str, Any], wishes: dict[str, Any]) -> None:
    assert not [finding for finding in judge(host, **wishes).values() if finding["level"] == "error"], name


def test_everything_is_said_at_once_errors_first() -> None:
    host = {
        "system": {"machine": "aarch64"},
        "memory": {"total": GIB},
        "listeners": [LISTENER],
        "clock": {"offset": 99},
    }
    found = list(judge(host, gpu=True, subnet="x").values())
    assert {"architecture", "memory", "port", "gpu_missing", "subnet_value"} <= {f["check"] for f in found[:5]}
    assert [f["level"] for f in found] == ["error"] * 5 + ["warning"]


def test_an_accepted_error_is_a_warning() -> None:
    assert judge({"memory": {"total": GIB}}, accept=["memory"])["memory"]["level"] == "warning"


def test_a_mac_is_asked_nothing_else() -> None:
    assert list(judge({"system": {"system": "Darwin", "is_root": False}, "systemd": False})) == ["mac"]


def test_every_sentence_can_be_said_and_every_error_has_a_cure() -> None:
    said = {case[4] for case in CASES} | {"gpu_none"}
    assert set(preflight_messages.ENGLISH) == said
    for case in CASES:
        finding = judge(case[1], **case[2])[case[4]]
        assert "{" not in finding["problem"] + finding["cure"]
        assert finding["cure"] or finding["level"] == "note"


def test_every_language_has_every_sentence_with_the_same_words() -> None:
    def words(text: str) -> set[str]:
        return {name for _before, name, _form, _how in string.Formatter().parse(text) if name}

    for language in preflight_messages.LANGUAGES.values():
        assert set(language) == set(preflight_messages.ENGLISH)
        for check, pair in language.items():
            allowed = {"host", *words("".join(preflight_messages.ENGLISH[check]))}
            assert words("".join(pair)) <= allowed, check


def test_text_for_people() -> None:
    findings = list(judge({"listeners": [LISTENER]}).values())
    text = preflight.preflight_text(findings, "error")
    assert text.startswith("1. Port 8080 on box, which CVAT needs, is taken by the process nginx")
    assert "\n   -> Stop that, or give CVAT another port (annotation_server_http_port)." in text
    assert preflight.preflight_text(findings, "warning") == ""
