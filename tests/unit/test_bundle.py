"""The list of a bundle: what is wrong with files, and whether it does for a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.annotation.server.plugins.action import bundle_copy as sender
from ansible_collections.annotation.server.plugins.filter import bundle as filters
from ansible_collections.annotation.server.plugins.module_utils import bundle
from ansible_collections.annotation.server.plugins.modules import bundle_copy, bundle_manifest

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = {"id": "debian", "version": "13", "machine": "x86_64", "name": "Debian GNU/Linux 13 (trixie)"}
CONTENT: dict[str, Any] = {
    "system": SYSTEM,
    "cvat": "v2.80.0",
    "packages": ["docker.io", "restic"],
    "functions": {"sam2": "aa"},
    "settings": {},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "bundle"
    for name, text in {"files/nuctl": "program", "packages/a.deb": "package", "wheels/x.whl": "wheel"}.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text)
    bundle_manifest.write(made, CONTENT, {"files/": "somewhere", "files/nuctl": "github"})
    return made


def wanted(**other: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {"packages": [], "images": [], "functions": {}}
    return {"system": SYSTEM, "cvat": "v2.80.0", **nothing, **other}


def test_the_list_tells_size_sum_and_origin(folder: Path) -> None:
    files = bundle.read(folder)["files"]
    assert sorted(files) == ["files/nuctl", "packages/a.deb", "wheels/x.whl"]
    assert files["files/nuctl"] == {"size": 7, "sha256": bundle.file_digest(folder / "files/nuctl"), "from": "github"}
    assert sorted(bundle.for_server(files)) == ["files/nuctl", "packages/a.deb"]


def test_the_list_is_written_once(folder: Path) -> None:
    assert bundle_manifest.write(folder, CONTENT, {"files/": "somewhere", "files/nuctl": "github"}) == (False, 19)


def test_a_damaged_file_is_found_and_brought_anew(folder: Path) -> None:
    (folder / "packages/a.deb").write_text("pbckage")
    (folder / "wheels/x.whl").unlink()
    (folder / "files/nuctl").write_text("more than before")
    found = bundle_manifest.check(folder)
    assert found == {
        "files/nuctl": "has 16 bytes instead of 7",
        "packages/a.deb": "is damaged: its sha256 is another one",
        "wheels/x.whl": "is missing",
    }
    assert not list(folder.rglob("*.deb"))
    with pytest.raises(bundle.BundleError, match=r"manifest\.json is missing"):
        bundle.read(folder)  # nothing that claims to be a bundle


def test_a_whole_one_is_left_alone(folder: Path) -> None:
    assert bundle_manifest.check(folder) == {}
    assert bundle.read(folder)["files"]


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"format": 0})])
def test_a_list_that_cannot_be_used(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(AnsibleFilterError, match=r"manifest\.json"):
        filters.bundle_manifest(str(folder))


def test_a_bundle_that_does(folder: Path) -> None:
    assert filters.bundle_problems(str(folder), wanted(packages=["restic"], functions={"sam2": "aa"}), {}) == []


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            {"system": {**SYSTEM, "version": "12", "name": "Debian 12"}},
            "It holds packages of debian 13, and this is Debian 12.",
        ),
        ({"system": {**SYSTEM, "machine": "aarch64"}}, "It is for x86_64, and this is a machine of aarch64."),
        ({"cvat": "v2.81.0"}, "It holds CVAT v2.80.0, and annotation_server_cvat_version is v2.81.0."),
        ({"packages": ["restic", "nftables"]}, "It has no package nftables."),
        ({"images": ["ubuntu:24.04@sha256:ab"]}, "It has no image ubuntu:24.04."),
        ({"functions": {"sam2": "aa", "dextr": "bb"}}, "It has no model dextr."),
        ({"functions": {"sam2": "cc"}}, "Files or options of sam2 changed since it was made."),
    ],
)
def test_a_bundle_that_does_not(folder: Path, other: dict[str, Any], words: str) -> None:
    assert filters.bundle_problems(str(folder), wanted(**other), {}) == [words]


def test_many_wrong_files_are_not_all_named(folder: Path) -> None:
    found = filters.bundle_problems(str(folder), wanted(), {f"file{number}": "is missing" for number in range(9)})
    assert found[0] == "file0 is missing."
    assert found[-1] == "4 more files are wrong."


def test_a_file_that_the_bundle_has_not(folder: Path) -> None:
    assert filters.bundle_sum(str(folder), "files/nuctl") == bundle.file_digest(folder / "files/nuctl")
    with pytest.raises(AnsibleFilterError, match=r"holds no files/cvat\.tar\.gz"):
        filters.bundle_sum(str(folder), "files/cvat.tar.gz")


def test_what_the_server_lacks(folder: Path, tmp_path: Path) -> None:
    files = bundle.for_server(bundle.read(folder)["files"])
    server = tmp_path / "server/bundle"
    assert bundle_copy.look(server, files)["missing"] == ["files/nuctl", "packages/a.deb"]
    incoming = tmp_path / "incoming"
    incoming.write_text("program")
    bundle_copy.place(server, incoming, {"files/nuctl": files["files/nuctl"]})
    (server / "files/old").write_text("")
    seen = bundle_copy.look(server, files)
    assert (seen["missing"], seen["surplus"], seen["bytes"]) == (["packages/a.deb"], ["files/old"], 7)


def test_a_file_that_changed_but_not_in_size_is_sent_again(folder: Path, tmp_path: Path) -> None:
    """Such as the list of images, in which one digest takes the place of another."""
    files = bundle.for_server(bundle.read(folder)["files"])
    incoming = tmp_path / "incoming"
    incoming.write_text("program")
    bundle_copy.place(tmp_path / "server", incoming, {"files/nuctl": files["files/nuctl"]})
    (folder / "files/nuctl").write_text("another")
    bundle_manifest.write(folder, CONTENT, {})
    changed = bundle.for_server(bundle.read(folder)["files"])
    assert "files/nuctl" in bundle_copy.look(tmp_path / "server", changed)["missing"]


def test_what_came_is_compared_with_its_sum(folder: Path, tmp_path: Path) -> None:
    files = bundle.for_server(bundle.read(folder)["files"])
    one = {"files/nuctl": files["files/nuctl"]}
    incoming = tmp_path / "incoming"
    incoming.write_text("pr0gram")
    with pytest.raises(bundle.BundleError, match="nuctl came with another sha256"):
        bundle_copy.place(tmp_path / "server", incoming, one)
    assert not (tmp_path / "server/files/nuctl").exists()
    incoming.write_text("program")
    bundle_copy.place(tmp_path / "server", incoming, one)
    assert (tmp_path / "server/files/nuctl").read_text() == "program"


def test_small_files_travel_together() -> None:
    mib = 1 << 20
    sizes = {"big": 900 * mib, **{f"small{number}": 30 * mib for number in range(12)}}
    sent = list(sender.batches(sizes, sizes))
    assert ["big"] in sent
    assert sorted(name for batch in sent for name in batch) == sorted(sizes)
    assert max(len(batch) for batch in sent) == 9


def installs(role: Path) -> list[Any]:
    """Return what a role has apt install: the values of `name`."""
    tasks: list[Any] = [each for path in role.glob("tasks/*.yml") for each in yaml.safe_load(path.read_text()) or []]
    found = []
    while tasks:
        task = tasks.pop()
        tasks += [inner for key in ("block", "rescue", "always") for inner in task.get(key, [])]
        apt = task.get("ansible.builtin.apt") or {}
        if "name" in apt and apt.get("state") != "absent":
            found.append(apt["name"])
    return found


ROLES = [role for role in sorted(ROOT.glob("roles/*")) if installs(role)]


def test_some_roles_install_packages() -> None:
    assert {"docker_engine", "cvat", "backup", "firewall"} <= {role.name for role in ROLES}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_that_installs_packages_tells_bundles_which(role: Path) -> None:
    """Literal names could not be told: what is installed and what is told must be the same variable."""
    told = (role / "tasks/fetches.yml").read_text()
    assert f"__{role.name}_fetches:" in told
    for name in installs(role):
        assert isinstance(name, str) and "{{" in name, name


def test_every_playbook_that_installs_sees_the_bundle() -> None:
    line = "vars/{{ 'bundle' if annotation_server_bundle | default('') else 'internet' }}.yml"
    named = {role.name for role in ROLES} | {"nuctl", "nuclio_functions", "apt_repository"}
    for path in ROOT.glob("playbooks/*.yml"):
        text = path.read_text()
        used = {word for word in named if f"role: {word}\n" in text or f"name: {word}\n" in text}
        if used and path.name not in ("make_bundle.yml", "functions.yml"):
            assert line in text, f"{path.name} uses {used}"


def test_an_upgrade_refuses_a_bundle_before_anything_else() -> None:
    """It brings roles by its tasks, where the test above does not look, and a bundle holds one release only."""
    (play,) = yaml.safe_load((ROOT / "playbooks/upgrade.yml").read_text())
    assert play["pre_tasks"][0]["ansible.builtin.assert"]["that"] == "annotation_server_bundle | length == 0"


def test_what_a_bundle_sets_are_variables_that_there_are() -> None:
    known = {"annotation_server_environment"}
    for role in ROOT.glob("roles/*"):
        known |= set(yaml.safe_load((role / "defaults/main.yml").read_text()) or {})
    told = yaml.safe_load((ROOT / "playbooks/vars/bundle.yml").read_text())
    assert {name for name in told if not name.startswith("__")} <= known
