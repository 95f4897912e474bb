"""Every role describes exactly the options that it has defaults for, and every hand-over names a real option."""

from __future__ import annotations

import re
from pathlib import Path

import ansible
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parent.parent.name for path in ROOT.glob("roles/*/tasks/main.yml"))


def options(role: str) -> dict[str, dict]:
    specs = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text())
    return specs["argument_specs"]["main"]["options"]


def defaults(role: str) -> dict[str, object]:
    return yaml.safe_load((ROOT / "roles" / role / "defaults/main.yml").read_text()) or {}


@pytest.mark.parametrize("role", ROLES)
def test_defaults_and_specs_have_the_same_keys(role: str) -> None:
    required = {name for name, spec in options(role).items() if spec.get("required")}
    assert set(options(role)) - required == set(defaults(role))


@pytest.mark.parametrize("role", ROLES)
def test_every_option_is_described_and_prefixed(role: str) -> None:
    for name, spec in options(role).items():
        assert name.startswith(f"{role}_") or name == role, name
        assert spec.get("description"), name
        assert spec.get("type"), name


def test_every_hand_over_reaches_an_option() -> None:
    shared = yaml.safe_load((ROOT / "playbooks/group_vars/all.yml").read_text())
    known = {name for role in ROLES for name in options(role)}
    handed_over = {name for name in shared if not name.startswith("annotation_server_")}
    assert handed_over <= known, handed_over - known


def test_shared_decisions_are_used() -> None:
    text = (ROOT / "playbooks/group_vars/all.yml").read_text()
    for name in re.findall(r"^(annotation_server_\w+):", text, flags=re.MULTILINE):
        assert len(re.findall(rf"\b{name}\b", text)) > 1, f"{name} is not handed to any role"


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_what_is_named_is_locked_with_hashes(name: str) -> None:
    """`make lock` was run after the last change of requirements*.in."""
    locked = (ROOT / f"{name}.txt").read_text()
    for line in (ROOT / f"{name}.in").read_text().splitlines():
        if line and not line.startswith(("#", "-r")):
            assert re.search(rf"^{re.escape(line.lower())}(==\S+)? ", locked, re.MULTILINE), line
    packages = re.findall(r"^[a-z0-9][^\n]*==[^\n]*\n.*?(?=^[a-z0-9]|\Z)", locked, re.MULTILINE | re.DOTALL)
    assert len(packages) > 5
    assert all("--hash=sha256:" in package for package in packages)


def test_requirements_name_the_same_collections() -> None:
    """`requirements.yml` has the versions that the PyPI package of requirements.txt brings."""
    site_packages = Path(ansible.__file__).parents[1] / "ansible_collections"
    for wanted in yaml.safe_load((ROOT / "requirements.yml").read_text())["collections"]:
        manifest = site_packages.joinpath(*wanted["name"].split(".")) / "MANIFEST.json"
        installed = yaml.safe_load(manifest.read_text())["collection_info"]["version"]
        assert installed == wanted["version"], wanted["name"]
