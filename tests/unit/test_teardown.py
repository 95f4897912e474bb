"""Teardown: what is ours and what is not, among files, packages, objects of Docker and keys of daemon.json."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
import task_files
from ansible_collections.annotation.server.plugins.module_utils import (
    docker_daemon,
    host_record,
    own_docker_objects,
    own_files,
    own_packages,
)

ROOT = task_files.ROOT
OURS_SOURCE = b"# Written by annotation.server (role docker_engine).\nSigned-By: /etc/apt/keyrings/docker.asc\n"


def all_tasks() -> list[tuple[Path, dict[str, Any]]]:
    files = [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("roles/*/handlers/*.yml")]
    return [(path, task) for path in files for task in task_files.read(path)]


# --- What the roles do, and whether a teardown knows of it ---------------------------------------------------------


def test_every_package_that_a_role_names_is_known() -> None:
    """In its tasks, or in its lists of packages, where templates stand beside plain names."""
    named = set()
    for _path, task in all_tasks():
        wanted = (task.get("ansible.builtin.apt") or {}).get("name", [])
        named |= {name for name in (wanted if isinstance(wanted, list) else [wanted]) if "{{" not in name}
    for path in ROOT.glob("roles/*/vars/main.yml"):
        lists = re.findall(r"^__\w+(?:packages|needed): (.*)$", path.read_text(), flags=re.MULTILINE)
        named |= {name for line in lists for name in re.findall(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+", line)}
    assert len(named) >= 5
    assert not [name for name in named if not own_packages.part(name)]


def test_every_file_that_a_role_writes_outside_of_its_folders_is_known() -> None:
    written = set()
    for path in [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("roles/*/vars/main.yml")]:
        text = path.read_text()
        written |= set(re.findall(r"(/(?:etc|usr/local|run)/[\w./-]*annotation-server-[\w.-]*)", text))
        written |= set(re.findall(r"(/etc/systemd/system/[\w.-]+\.service\.d/annotation-server[\w.-]*)", text))
    assert len(written) >= 10
    patterns = own_files.SYSTEM + own_files.APT
    unknown = [
        path for path in written if not any(Path(f"{path}x").match(each) or Path(path).match(each) for each in patterns)
    ]
    assert not [path for path in unknown if "nuclio" not in path]


def test_every_source_that_a_role_names_is_known() -> None:
    named = {
        task["vars"]["apt_repository_name"]
        for _path, task in all_tasks()
        if "apt_repository_name" in (task.get("vars") or {})
    }
    for name in named:
        known = f"/etc/apt/sources.list.d/{name}.sources" in own_files.SOURCES or name.startswith("annotation-server-")
        assert known, name


# --- Files ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def host(tmp_path: Path) -> Path:
    for folder in own_files.APT_FOLDERS:
        (tmp_path / folder.lstrip("/")).mkdir(parents=True)
    return tmp_path


def lay(host: Path, path: str, content: bytes = b"x") -> None:
    (host / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
    (host / path.lstrip("/")).write_bytes(content)


def described(content: bytes) -> dict[str, Any]:
    return {"content": base64.b64encode(content).decode(), "mode": 0o644, "uid": 0, "gid": 0}


def test_what_is_ours_by_name_goes_and_nothing_else(host: Path) -> None:
    ours = [
        "/usr/local/sbin/annotation-server-backup",
        "/etc/systemd/system/docker.service.d/annotation-server-storage.conf",
        "/etc/systemd/system/timers.target.wants/annotation-server-backup.timer",
        "/usr/local/share/ca-certificates/annotation-server-lab.crt",
    ]
    for path in [*ours, "/usr/local/sbin/other", "/etc/systemd/system/docker.service.d/proxy.conf"]:
        lay(host, path)
    assert own_files.system_changes(host) == dict.fromkeys(sorted(ours), None)


def test_a_source_that_was_replaced_comes_back(host: Path) -> None:
    before = {
        "/etc/apt/sources.list.d/docker.list": described(b"deb old"),
        "/etc/apt/keyrings/docker.asc": described(b"old key"),
    }
    lay(host, "/etc/apt/sources.list.d/docker.sources", OURS_SOURCE)
    lay(host, "/etc/apt/keyrings/docker.asc", b"our key")
    changes = own_files.apt_changes(host, {"files": before})
    assert changes == {**before, "/etc/apt/sources.list.d/docker.sources": None}


def test_a_source_that_somebody_took_away_stays_away(host: Path) -> None:
    before = {
        "/etc/apt/sources.list.d/grafana.list": described(b"deb x"),
        "/etc/apt/sources.list.d/docker.list": described(b"y"),
    }
    assert own_files.apt_changes(host, {"files": before}) == {}


def test_without_a_record_only_sources_that_say_so_go(host: Path) -> None:
    lay(host, "/etc/apt/sources.list.d/docker.sources", OURS_SOURCE)
    lay(host, "/etc/apt/sources.list.d/nvidia-cuda.sources", b"# by hand")
    for key in ("docker", "nvidia-cuda"):
        lay(host, f"/etc/apt/keyrings/{key}.asc")
    goes = own_files.apt_changes(host, {})
    assert goes == dict.fromkeys(["/etc/apt/sources.list.d/docker.sources", "/etc/apt/keyrings/docker.asc"])
    lay(host, "/etc/apt/sources.list.d/mine.list", b"deb [signed-by=/etc/apt/keyrings/docker.asc] https://x")
    assert list(own_files.apt_changes(host, {})) == ["/etc/apt/sources.list.d/docker.sources"]


def test_writing_back_keeps_the_mode(host: Path) -> None:
    path = "/etc/apt/sources.list.d/docker.list"
    lay(host, path, b"other")
    before = host_record.files(host)[path] | {"mode": 0o640}
    own_files.put(host, path, None)
    own_files.put(host, path, before)
    assert (host / path.lstrip("/")).read_bytes() == b"other" and (
        host / path.lstrip("/")
    ).stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("before", "content", "expected"),
    [
        (None, ["a"], "remove"),
        ({"exists": False, "mount": False, "entries": 0}, ["a"], "remove"),
        ({"exists": True, "mount": False, "entries": 0}, ["a"], "empty"),
        ({"exists": True, "mount": False, "entries": 0}, [], "nothing"),
        ({"exists": True, "mount": True, "entries": 0}, ["lost+found"], "nothing"),
        ({"exists": True, "mount": False, "entries": 3}, ["a"], "stays"),
    ],
)
def test_what_becomes_of_a_folder(
    tmp_path: Path, before: dict[str, Any] | None, content: list[str], expected: str
) -> None:
    for name in content:
        (tmp_path / name).mkdir()
    assert own_files.fate(tmp_path, before)[0] == expected


def test_a_folder_that_is_gone_is_fine(tmp_path: Path) -> None:
    assert own_files.fate(tmp_path / "gone", None) == ("nothing", "")


# --- The record -------------------------------------------------------------------------------------------------------


def test_a_record_is_written_once(tmp_path: Path) -> None:
    first = {
        "format": 1,
        "packages": ["bash"],
        "groups": [],
        "folders": {"/mnt/share": {"entries": 0}},
        "files": {},
        "images": [],
    }
    later = first | {"packages": ["bash", "docker.io"], "folders": {"/mnt/share": {"entries": 9}}}
    assert host_record.complete(first, later) == first
    host_record.write(tmp_path / "before" / "host.json", first)
    assert host_record.read(tmp_path / "before" / "host.json") == first
    assert (tmp_path / "before").stat().st_mode & 0o777 == 0o700


def test_what_a_teardown_left_does_not_pass_for_found() -> None:
    first = {
        "format": 1,
        "made": "2026",
        "late": False,
        "packages": ["bash"],
        "groups": ["root"],
        "images": [],
        "files": {},
    }
    first["folders"] = {"/mnt/share": {"exists": False, "entries": 0}}
    left = host_record.reduce(first, ["docker.io"], ["annotation"])
    now = {"packages": ["bash", "docker.io", "htop"], "groups": ["root", "annotation"], "files": {}, "images": ["x"]}
    again = host_record.complete(
        left, now | {"folders": {"/mnt/share": {"exists": True, "entries": 5}}, "made": "2027", "late": True}
    )
    assert again["packages"] == ["bash", "htop"] and again["groups"] == ["root"]
    assert again["folders"]["/mnt/share"]["entries"] == 0 and again["made"] == "2026" and again["late"] is False


@pytest.mark.parametrize(("text", "said"), [("{", "is damaged"), ('{"format": 9}', "another version")])
def test_a_record_that_cannot_be_read(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "host.json").write_text(text)
    with pytest.raises(ValueError, match=said):
        host_record.read(tmp_path / "host.json")


# --- Packages ---------------------------------------------------------------------------------------------------------

#: package -> what it needs.
NEEDS = {
    "docker.io": ["containerd", "iptables"],
    "iptables": ["libnftnl"],
    "nftables": ["libnftnl"],
    "lab-tool": ["docker.io"],
}


def simulate(here: set[str], automatic: set[str]) -> Any:
    """Do what apt does: who needs what goes, goes, and what nothing needs any more, if asked for."""

    def answer(names: list[str], brought: bool) -> set[str]:
        goes = set(names)
        while True:
            more = {name for name in here - goes if goes & set(NEEDS.get(name, []))}
            if brought:
                needed = {each for name in here - goes for each in NEEDS.get(name, [])}
                more |= (automatic & here) - needed - goes
            if not more:
                return goes
            goes |= more

    return answer


def plan(
    here: set[str], automatic: set[str], record: dict[str, Any], stays: dict[str, str] | None = None
) -> dict[str, Any]:
    return own_packages.plan(here, here - automatic, record, stays or {}, simulate(here, automatic))


def test_what_was_brought_goes_too_and_what_was_there_stays() -> None:
    here = {"bash", "docker.io", "containerd", "iptables", "libnftnl", "git", "old-library"}
    made = plan(here, {"containerd", "iptables", "libnftnl", "old-library"}, {"packages": ["bash", "git"]})
    assert made == {"goes": ["containerd", "docker.io", "iptables", "libnftnl"], "stays": {}}


def test_what_others_need_stays() -> None:
    here = {"bash", "docker.io", "containerd", "iptables", "libnftnl", "lab-tool", "restic"}
    made = plan(here, {"containerd", "iptables", "libnftnl"}, {"packages": ["bash"]})
    assert made == {"goes": ["restic"], "stays": dict.fromkeys(["docker.io", "containerd"], "lab-tool needs it")}


def test_a_reason_keeps_a_part_or_a_package() -> None:
    here = {"docker.io", "git", "restic"}
    made = plan(here, set(), {"packages": []}, {"docker": "a container runs", "git": "wanted"})
    assert made == {"goes": ["restic"], "stays": {"docker.io": "a container runs", "git": "wanted"}}


def test_without_a_record_everything_stays() -> None:
    made = plan({"bash", "docker.io"}, set(), {})
    assert made["goes"] == [] and list(made["stays"]) == ["docker.io"]


def test_a_purge_that_broke_off_is_finished() -> None:
    here = {"bash", "containerd", "iptables", "libnftnl"}
    record = {"packages": ["bash"], "going": ["docker.io", "containerd", "iptables", "libnftnl"]}
    assert plan(here, here - {"bash"}, record)["goes"] == ["containerd", "iptables", "libnftnl"]


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("docker.io", "docker"),
        ("restic", "tools"),
        ("nvidia-driver-580-server", "nvidia"),
        ("libnvidia-container1", "nvidia"),
        ("cuda-toolkit-12-8", "nvidia"),
        ("nvidia-container-toolkit", "nvidia"),
        ("bash", ""),
        ("libcuda1-i386", ""),
    ],
)
def test_what_a_package_is_for(name: str, part: str) -> None:
    assert own_packages.part(name) == part


# --- Docker -----------------------------------------------------------------------------------------------------------

CVAT = {"com.docker.compose.project": "cvat"}


def container(name: str, labels: dict[str, str], image: str, volume: str = "", network: str = "") -> dict[str, Any]:
    mounts = [{"Type": "volume", "Name": volume}] if volume else []
    return {
        "Id": name * 12,
        "Names": [f"/{name}"],
        "Labels": labels,
        "ImageID": image,
        "Mounts": mounts,
        "NetworkSettings": {"Networks": {network: {}} if network else {}},
    }


def image(identifier: str, tag: str, labels: dict[str, str] | None = None) -> dict[str, Any]:
    return {"Id": identifier, "RepoTags": [tag], "RepoDigests": [], "Labels": labels}


@pytest.fixture
def engine() -> dict[str, list[dict[str, Any]]]:
    function = {
        "nuclio.io/function-name": "sam2",
        "annotation-server.function": "sam2",
        "annotation-server.made": "function",
    }
    return {
        "containers": [
            container("cvat_server", CVAT, "i-server", "cvat_cvat_data", "cvat_cvat"),
            container("nuclio-nuclio-sam2", function, "i-sam2", "nuclio-nuclio-sam2", "cvat_cvat"),
            container("nuclio-local-storage-reader", {}, "i-alpine", "nuclio-local-storage"),
            container("wiki", {"com.docker.compose.project": "wiki"}, "i-redis", "wiki_data", "wiki_default"),
        ],
        "volumes": [
            {"Name": "cvat_cvat_data", "Labels": CVAT},
            {"Name": "nuclio-nuclio-sam2", "Labels": {}},
            {"Name": "nuclio-local-storage", "Labels": None},
            {"Name": "wiki_data", "Labels": {}},
        ],
        "networks": [{"Name": "bridge"}, {"Name": "cvat_cvat", "Labels": CVAT}, {"Name": "wiki_default", "Labels": {}}],
        "images": [
            image("i-server", "cvat/server:v2.80.0"),
            image("i-sam2", "annotation-server/sam2/1234:latest", {"annotation-server.made": "function"}),
            image("i-alpine", "gcr.io/iguazio/alpine:3.20"),
            image("i-onbuild", "quay.io/nuclio/handler-builder-python-onbuild:1.16.3-amd64"),
            image("i-redis", "redis:7"),
            image("i-there", "postgres:15-alpine"),
            image("i-other", "lab/tool:1"),
        ],
    }


KNOWN = {"cvat/server:${CVAT_VERSION:-v2.80.0}", "redis:7", "postgres:15-alpine"}


def test_ours_goes_and_foreign_stays(engine: dict[str, Any]) -> None:
    made = own_docker_objects.plan(engine, "cvat", True, ["i-there"], KNOWN)
    assert made.containers == ["cvat_server", "nuclio-local-storage-reader", "nuclio-nuclio-sam2"]
    assert made.networks == ["cvat_cvat"]
    assert sorted(made.volumes) == ["cvat_cvat_data", "nuclio-local-storage", "nuclio-nuclio-sam2"]
    assert set(made.images) == {"i-server", "i-sam2", "i-alpine", "i-onbuild"}
    assert set(made.foreign) == {
        "container wiki",
        "network wiki_default",
        "volume wiki_data",
        "image redis:7",
        "image postgres:15-alpine",
        "image lab/tool:1",
    }


def test_data_stay_unless_they_are_named(engine: dict[str, Any]) -> None:
    made = own_docker_objects.plan(engine, "cvat", False, [], KNOWN)
    assert "cvat_cvat_data" not in made.volumes and list(made.kept) == ["volume cvat_cvat_data"]


def test_without_a_record_only_images_made_here_go(engine: dict[str, Any]) -> None:
    made = own_docker_objects.plan(engine, "cvat", True, None, KNOWN)
    assert set(made.images) == {"i-sam2"} and "image cvat/server:v2.80.0" in made.kept


def test_what_others_use_of_ours_stays(engine: dict[str, Any]) -> None:
    engine["containers"] += [
        container("guest", {}, "i-other", "cvat_cvat_data", "cvat_cvat"),
        container("nuclio-nuclio-own", {"nuclio.io/function-name": "own"}, "i-other", "nuclio-nuclio-own"),
    ]
    engine["volumes"].append({"Name": "nuclio-nuclio-own", "Labels": {}})
    made = own_docker_objects.plan(engine, "cvat", True, [], KNOWN)
    assert made.networks == [] and "network cvat_cvat" in made.kept
    assert made.volumes == ["nuclio-nuclio-sam2"]
    assert (
        "guest" in made.kept["volume cvat_cvat_data"]
        and "nuclio-nuclio-own" in made.kept["volume nuclio-local-storage"]
    )
    assert {"container guest", "container nuclio-nuclio-own"} < set(made.foreign)


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        ("mirror:5000/cvat/server:v2.80.0", True),
        ("cvat/server:v2.81.0", True),
        ("other/cvat/serverless:1", False),
        ("redis:7.2", False),
        ("mirror:5000/redis:7", True),
        ("quay.io/nuclio/dashboard:1.16.3-amd64", True),
        ("python:3.11", False),
    ],
)
def test_images_that_our_files_name(reference: str, named: bool) -> None:
    assert own_docker_objects.is_named(reference, KNOWN) is named


def test_names_of_images_are_read_from_trees(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text("services:\n  a:\n    image: cvat/ui:${CVAT_VERSION:-dev}\n")
    (tmp_path / "nuclio").mkdir()
    (tmp_path / "nuclio/function-gpu.yaml").write_text("spec:\n  build:\n    baseImage: ubuntu:22.04\n")
    (tmp_path / "nuclio/Dockerfile").write_text("FROM --platform=linux/amd64 openvino/dev:2022 AS base\nFROM ${BASE}\n")
    assert own_docker_objects.named_images([tmp_path]) == {
        "cvat/ui:${CVAT_VERSION:-dev}",
        "ubuntu:22.04",
        "openvino/dev:2022",
    }


# --- daemon.json ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("original", "ours", "since", "left"),
    [
        ({}, {"log-driver": "local"}, {}, {}),
        ({"debug": True}, {"log-driver": "local"}, {}, {"debug": True}),
        ({"log-driver": "journald"}, {"log-driver": "local"}, {}, {"log-driver": "journald"}),
        ({"log-opts": {"tag": "x"}}, {"log-opts": {"max-size": "10m"}}, {}, {"log-opts": {"tag": "x"}}),
        (
            {"runtimes": {"kata": {"path": "k"}}},
            {"runtimes": {"nvidia": {"path": "n"}}},
            {},
            {"runtimes": {"kata": {"path": "k"}}},
        ),
        ({"insecure-registries": ["a"]}, {"insecure-registries": ["b", "a"]}, {}, {"insecure-registries": ["a"]}),
        ({}, {"insecure-registries": ["b"]}, {"insecure-registries": ["b", "c"]}, {"insecure-registries": ["c"]}),
        ({}, {"log-driver": "local"}, {"log-driver": "journald"}, {"log-driver": "journald"}),
        (
            {},
            {"log-opts": {"max-size": "10m"}},
            {"log-opts": {"max-size": "10m", "tag": "y"}},
            {"log-opts": {"tag": "y"}},
        ),
        (
            {"default-address-pools": [{"base": "a"}]},
            {"default-address-pools": [{"base": "b"}]},
            {},
            {"default-address-pools": [{"base": "a"}]},
        ),
    ],
)
def test_what_was_merged_is_taken_back(
    original: dict[str, Any], ours: dict[str, Any], since: dict[str, Any], left: dict[str, Any]
) -> None:
    current = {**docker_daemon.apply(original, ours, []), **since}
    assert (docker_daemon.take_back(current, original, ours) or {}) == left
