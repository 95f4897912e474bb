"""What host_probe reads: machines shown to it as folders, sockets and a small web server."""

from __future__ import annotations

import http.server
import json
import socketserver
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import (
    docker_socket,
    host_clock,
    host_disks,
    host_network,
    host_system,
)


def write(root: Path, path: str, content: str | bytes = "") -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('ID=ubuntu\nVERSION_ID="22.04"\nVERSION_CODENAME=jammy\nPRETTY_NAME="Ubuntu 22.04.5 LTS"\n',
         ("ubuntu", "22.04", "jammy", "Ubuntu 22.04.5 LTS")),
        ('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\nVERSION_CODENAME=bookworm\n',
         ("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")),
        ("ID=debian\nPRETTY_NAME='Debian GNU/Linux forky/sid'\n", ("debian", "", "", "Debian GNU/Linux forky/sid")),
    ],
)  # fmt: skip
def test_release(tmp_path: Path, content: str, expected: tuple[str, ...]) -> None:
    write(tmp_path, "etc/os-release", content)
    system = host_system.system(tmp_path)
    assert (system["id"], system["version"], system["codename"], system["name"]) == expected


@pytest.mark.parametrize(
    ("version", "wsl"),
    [
        ("Linux version 6.12.48+deb13-amd64 (debian-kernel@lists.debian.org)", 0),
        ("Linux version 5.15.167.4-microsoft-standard-WSL2 (root@builder)", 2),
        ("Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com)", 1),
    ],
)
def test_wsl(tmp_path: Path, version: str, wsl: int) -> None:
    write(tmp_path, "proc/version", version)
    assert host_system.system(tmp_path)["wsl"] == wsl


def test_a_folder_with_nothing_in_it_is_a_host_about_which_nothing_is_known(tmp_path: Path) -> None:
    assert host_system.memory(tmp_path)["total"] == 0
    assert host_system.processor(tmp_path)["lacks"] == []
    assert host_system.control_groups(tmp_path) == "none"
    assert host_system.graphics(tmp_path) == {"devices": [], "wsl": False, "driver": ""}
    assert host_system.secure_boot(tmp_path) == "off"
    assert host_system.packages(tmp_path, ["x"]) == {"installed": {}, "broken": [], "interrupted": False}
    assert host_network.listeners(tmp_path, [8080]) == []
    assert host_network.routes(tmp_path) == []


def test_processor_and_memory(tmp_path: Path) -> None:
    write(tmp_path, "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu sse sse2 ssse3 sse4_1 popcnt\n")
    write(tmp_path, "proc/meminfo", "MemTotal:       16318580 kB\nMemAvailable:    8000000 kB\nSwapTotal: 0 kB\n")
    assert host_system.processor(tmp_path)["lacks"] == ["sse4_2", "avx2"]
    assert host_system.memory(tmp_path) == {"total": 16318580 * 1024, "available": 8000000 * 1024, "swap": 0}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["cgroup.controllers"], "v2"),
        (["unified/cgroup.procs", "memory/tasks"], "hybrid"),
        (["memory/tasks"], "v1"),
    ],
)
def test_control_groups(tmp_path: Path, files: list[str], expected: str) -> None:
    for name in files:
        write(tmp_path, f"sys/fs/cgroup/{name}")
    assert host_system.control_groups(tmp_path) == expected


def test_graphics(tmp_path: Path) -> None:
    devices = {
        "0000:00:02.0": ("0x8086", "0x030000"),
        "0000:01:00.0": ("0x10de", "0x030000"),
        "0000:01:00.1": ("0x10de", "0x040300"),
        "0000:02:00.0": ("0x10de", "0x030200"),
    }
    for slot, (vendor, kind) in devices.items():
        write(tmp_path, f"sys/bus/pci/devices/{slot}/vendor", vendor + "\n")
        write(tmp_path, f"sys/bus/pci/devices/{slot}/class", kind + "\n")
        write(tmp_path, f"sys/bus/pci/devices/{slot}/device", "0x2684\n")
    line = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n"
    write(tmp_path, "proc/driver/nvidia/version", line)
    graphics = host_system.graphics(tmp_path)
    assert [device["slot"] for device in graphics["devices"]] == ["0000:01:00.0", "0000:02:00.0"]
    assert graphics["driver"] == "580.95.05"


@pytest.mark.parametrize(
    ("content", "expected"), [(b"\6\0\0\0\1", "on"), (b"\6\0\0\0\0", "off"), (b"", "unknown"), (None, "unknown")]
)
def test_secure_boot(tmp_path: Path, content: bytes | None, expected: str) -> None:
    (tmp_path / "sys/firmware/efi/efivars").mkdir(parents=True)
    if content is not None:
        write(tmp_path, f"sys/firmware/efi/efivars/{host_system.SECURE_BOOT_VARIABLE}", content)
    assert host_system.secure_boot(tmp_path) == expected


def test_packages(tmp_path: Path) -> None:
    write(tmp_path, "var/lib/dpkg/status", (
        "Package: docker.io\nStatus: install ok installed\nVersion: 26.1.5+dfsg1-9\nDescription: x\n y\n\n"
        "Package: runc\nStatus: deinstall ok config-files\nVersion: 1.1\n\n"
        "Package: linux-image\nStatus: install ok half-configured\nVersion: 6\n\n"
    ))  # fmt: skip
    write(tmp_path, "var/lib/dpkg/updates/0001")
    found = host_system.packages(tmp_path, ["docker.io", "runc", "docker-ce"])
    assert found == {"installed": {"docker.io": "26.1.5+dfsg1-9"}, "broken": ["linux-image"], "interrupted": True}


TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:E000 01 00000000:00000000 00:00000000 00000000     0        0 112 1 0 100 0 0 10 0
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 113 1 0 100 0 0 10 0
"""
TCP6 = """  sl  local_address                         remote_address
   0: 00000000000000000000000000000000:2328 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 114 1
   1: 0000000000000000FFFF00000100007F:2329 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 115 1
"""


def test_listeners(tmp_path: Path) -> None:
    write(tmp_path, "proc/net/tcp", TCP)
    write(tmp_path, "proc/net/tcp6", TCP6)
    write(tmp_path, "proc/71/comm", "nginx\n")
    (tmp_path / "proc/71/fd").mkdir()
    (tmp_path / "proc/71/fd/5").symlink_to("socket:[111]")
    assert host_network.listeners(tmp_path, [8080, 9000, 9001]) == [
        {"address": "127.0.0.1", "port": 8080, "pid": 71, "process": "nginx"},
        {"address": "::", "port": 9000, "pid": 0, "process": ""},
        {"address": "127.0.0.1", "port": 9001, "pid": 0, "process": ""},
    ]


def test_routes(tmp_path: Path) -> None:
    write(tmp_path, "proc/net/route", (
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
        "tun0\t000010AC\t0100080A\t0003\t0\t0\t0\t0000F0FF\t0\t0\t0\n"
    ))  # fmt: skip
    assert host_network.routes(tmp_path) == [
        {"network": "192.168.1.0/24", "interface": "eth0", "direct": True},
        {"network": "172.16.0.0/12", "interface": "tun0", "direct": False},
    ]


def test_disk_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    answer = host_disks.describe(str(tmp_path / "a/b"), Path("/"))
    assert (answer["exists"], answer["nearest"], answer["is_dir"]) == (False, str(tmp_path), True)
    assert answer["free"] > 0 and 0 <= answer["used_percent"] <= 100 and not answer["read_only"]


def test_disk_in_a_loop_of_links_and_under_a_file(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert "symbolic links" in host_disks.describe(str(tmp_path / "loop/x"), Path("/"))["error"]
    (tmp_path / "file").write_text("")
    answer = host_disks.describe(str(tmp_path / "file/x"), Path("/"))
    assert (answer["is_dir"], answer["nearest"]) == (False, str(tmp_path / "file"))


def test_mount_table(tmp_path: Path) -> None:
    write(tmp_path, "proc/self/mountinfo", (
        "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
        "30 22 0:40 / /mnt rw,relatime shared:2 - tmpfs tmpfs rw\n"
        "31 30 0:41 / /mnt/my\\040share ro,relatime shared:3 - nfs4 nas:/x rw,vers=4.2\n"
    ))  # fmt: skip
    table = host_disks.mounts(tmp_path)
    assert host_disks.mount_of(Path("/mnt/my share/x"), table)[:2] == ("/mnt/my share", "nfs4")
    assert "ro" in host_disks.mount_of(Path("/mnt/my share/x"), table)[2]
    assert host_disks.mount_of(Path("/mnt/my sharex"), table)[0] == "/mnt"
    assert host_disks.mount_of(Path("/etc"), table)[0] == "/"


def test_clock() -> None:
    assert host_clock.describe(0)["offset"] == 0.0
    assert host_clock.describe(1)["offset"] > 1e9
    assert host_clock.is_synchronised() in (True, False, None)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_addresses_are_asked(web: str) -> None:
    urls = [f"{web}/200", f"{web}/401", f"{web}/407", "http://127.0.0.1:1/", "nonsense"]
    answers = host_network.ask_all(urls, 3, "")
    assert [answer["reached"] for answer in answers] == [True, True, False, False, False]
    assert [answer["status"] for answer in answers[:3]] == [200, 401, 407]
    assert all(answer["error"] for answer in answers[2:])
    assert host_network.ask_all([], 3, "") == []


def test_names() -> None:
    assert "127.0.0.1" in host_network.resolve("localhost")
    assert host_network.resolve("no-such-name.invalid") == []


DOCKER = {
    "/version": {"Version": "26.1.5", "Platform": {"Name": "Docker Engine"}},
    "/info": {"OperatingSystem": "Debian", "DockerRootDir": "/var/lib/docker", "LiveRestoreEnabled": True},
    "/networks": [
        {"Name": "bridge", "Id": "a" * 64, "IPAM": {"Config": [{"Subnet": "172.17.0.0/16"}]}, "Options": {}},
        {"Name": "cvat_cvat", "Id": "0123456789abcdef", "IPAM": {"Config": [{"Subnet": "172.20.0.0/24"}]},
         "Labels": {"com.docker.compose.project": "cvat"}, "Options": None},
        {"Name": "host", "Id": "b" * 64, "IPAM": {"Config": None}},
    ],
    "/containers/json": [
        {"Names": ["/traefik"], "Labels": {"com.docker.compose.project": "cvat"},
         "Ports": [{"IP": "0.0.0.0", "PrivatePort": 8080, "PublicPort": 8080, "Type": "tcp"}, {"PrivatePort": 80}]},
        {"Names": ["/nuclio-nuclio-sam2"], "Labels": {"nuclio.io/project-name": "cvat"}, "Ports": None},
    ],
}  # fmt: skip


class Engine(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(DOCKER[self.path]).encode())

    def address_string(self) -> str:
        return "socket"

    def log_message(self, *words: Any) -> None:
        pass


def test_docker(tmp_path: Path) -> None:
    path = str(tmp_path / "docker.sock")
    with socketserver.ThreadingUnixStreamServer(path, Engine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        docker = docker_socket.describe(path)
        server.shutdown()
    assert docker["reachable"] and docker["version"] == "26.1.5" and docker["live_restore"]
    assert [(n["name"], n["subnets"], n["interface"]) for n in docker["networks"]] == [
        ("bridge", ["172.17.0.0/16"], "docker0"),
        ("cvat_cvat", ["172.20.0.0/24"], "br-0123456789ab"),
        ("host", [], "br-bbbbbbbbbbbb"),
    ]
    assert docker["containers"] == [
        {"name": "traefik", "project": "cvat", "ports": [{"address": "0.0.0.0", "port": 8080}]},
        {"name": "nuclio-nuclio-sam2", "project": "cvat", "ports": []},
    ]


def test_no_docker(tmp_path: Path) -> None:
    docker = docker_socket.describe(str(tmp_path / "docker.sock"))
    assert not docker["reachable"] and "No such file" in docker["error"] and docker["containers"] == []


def test_byte_order_of_addresses() -> None:
    assert host_network.address(f"{struct.unpack('=I', bytes([10, 1, 2, 3]))[0]:08X}") == "10.1.2.3"
