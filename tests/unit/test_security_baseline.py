"""The rules of SECURITY.md that can be read off the roles, the playbooks and the repository itself."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.annotation.server.plugins.plugin_utils.input_kinds import KINDS, kind_of
from hostile import values

from tests import audit

ROOT = values.ROOT
#: A value of one of these kinds is a secret in itself; a proxy's address only where it holds a password.
SECRET_KINDS = {"secret", "root user", "root password", "access key", "secret key"}


def secret_options() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for role in values.ROLES:
        for name, spec in values.options(role).items():
            if spec["type"] == "str" and kind_of(name) in SECRET_KINDS:
                yield role, name, spec


def tasks(content: Any) -> Iterator[dict[str, Any]]:
    """Yield every task in a file, those of blocks without the block."""
    for item in content or []:
        inner = [part for key in ("block", "rescue", "always") for part in item.get(key) or []]
        yield from tasks(inner)
        if not inner:
            yield item


TASKS = [
    (str(path.relative_to(ROOT)), task)
    for path in sorted(ROOT.glob("roles/*/*/*.yml"))
    if path.parent.name in ("tasks", "handlers")
    for task in tasks(yaml.safe_load(path.read_text()))
]


def module(task: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a task's module and its arguments."""
    name = next((key for key in task if "." in key), "")
    args = task.get(name)
    return name, args if isinstance(args, dict) else {"_raw": args}


def test_there_is_something_to_judge() -> None:
    assert len(TASKS) > 200
    assert len(list(secret_options())) > 5


@pytest.mark.parametrize(("role", "name", "spec"), list(secret_options()), ids=lambda value: str(value)[:40])
def test_no_secret_has_a_default_and_none_is_shown(role: str, name: str, spec: dict[str, Any]) -> None:
    defaults = yaml.safe_load((ROOT / "roles" / role / "defaults/main.yml").read_text())
    assert defaults[name] == spec["default"] == ""
    assert spec.get("no_log") is True, "argument validation shows the values of options without no_log"


def test_no_known_default_password_is_anywhere() -> None:
    for path in ROOT.glob("*/**/*.y*ml"):
        if path.parts[len(ROOT.parts)] in ("roles", "playbooks", "inventories"):
            assert not re.search(r"minioadmin|changeme|password:\s*(admin|password|123)", path.read_text()), path


def test_whoever_sees_a_secret_is_silent() -> None:
    """A task that is told a secret's value, not the file it lies in, has no_log."""
    names = "|".join([name for _, name, _ in secret_options()] + ["__cvat_password"])
    for where, task in TASKS:
        name, args = module(task)
        told = re.search(rf"(?<![/\w])({names})\b", str(args) + str(task.get("loop", "")) + str(task.get("vars", "")))
        if told and name != "ansible.builtin.assert":
            assert "no_log" in task, f"{where}: '{task['name']}' is told {told[0]}"


#: Where a download's sum stands when it is no argument of the task.
VERIFIED = {
    "ansible.builtin.get_url": "checksum",
    "annotation.server.resumable_download": "sha256",
    "community.general.maven_artifact": "verify_checksum",
}


def test_every_download_has_a_sum() -> None:
    seen = 0
    for where, task in TASKS:
        name, args = module(task)
        if name in VERIFIED:
            seen += 1
            assert args.get(VERIFIED[name]), f"{where}: '{task['name']}' downloads what nobody compares"
        if name == "ansible.builtin.uri":
            assert "dest" not in args, f"{where}: '{task['name']}' keeps what nobody compares: use get_url"
        if name == "ansible.builtin.unarchive":
            assert "://" not in str(args.get("src")), f"{where}: '{task['name']}' unpacks an address"
        words = str(args.get("argv") or args.get("cmd") or args.get("_raw") or "")
        if name in ("ansible.builtin.command", "ansible.builtin.shell", "ansible.builtin.script"):
            assert not re.search(r"\b(curl|wget|pip install)\b", words), f"{where}: '{task['name']}' downloads by hand"
    assert seen >= 4


def test_nobody_passes_over_a_certificate_or_a_signature() -> None:
    loose = re.compile(
        r"validate_certs: *(false|no)|allow_unauthenticated|--insecure|--no-check-certificate|trusted[:=] *yes"
        r"|verify=False|CERT_NONE|_create_unverified_context|accept_hostkey: *(true|yes)|disable_gpg_check",
    )
    paths = [
        path for folder in ("roles", "plugins", "playbooks") for path in (ROOT / folder).rglob("*") if path.is_file()
    ]
    for path in paths:
        if path.suffix in (".py", ".yml", ".j2", ".sh"):
            found = loose.search(path.read_text())
            assert not found, f"{path}: {found and found[0]}"


#: Addresses without TLS that stay on the server or in the containers' network.
INSIDE = re.compile(r"http://(127\.0\.0\.1|localhost|minio|\{\{)")


def test_default_addresses_are_https() -> None:
    for role in values.ROLES:
        for file in ("defaults", "vars"):
            path = ROOT / "roles" / role / file / "main.yml"
            for line in path.read_text().splitlines() if path.exists() else []:
                if "http://" in line and not line.lstrip().startswith("#"):
                    outside = re.sub(r"'http://'", "", INSIDE.sub("", line))
                    assert "http://" not in outside, f"{path}: {line}"


def test_every_repository_of_packages_is_told_its_key() -> None:
    for where, task in TASKS:
        if module(task)[1].get("name") == "apt_repository" and "include_role" in module(task)[0]:
            told = task["vars"]
            signed = told.get("apt_repository_key_fingerprint") if "apt_repository_key" in told else True
            assert signed and ("apt_repository_key" in told or "apt_repository_signed_by" in told), where
    for path in ROOT.glob("roles/*/templates/*.sources.j2"):
        # A bundle's folder has no key: every file of it was compared with its sum when it came to the server.
        assert re.search("^(Signed-By|URIs: file):", path.read_text(), re.MULTILINE), path


#: Images that this project chooses without a digest, and why.
BY_TAG = {
    "nvidia_container_toolkit_test_image": "runs once with no access to anything; SECURITY.md says how to pin it",
    "nuclio_functions_helper_images": "the names that are built into nuctl",
}


def test_images_that_we_choose_have_a_digest() -> None:
    chosen: dict[str, Any] = {}
    for role in values.ROLES:
        defaults = yaml.safe_load((ROOT / "roles" / role / "defaults/main.yml").read_text()) or {}
        chosen |= {name: value for name, value in defaults.items() if re.search(r"_images?$", name)}
    assert set(BY_TAG) < set(chosen)
    for name, value in chosen.items():
        assert (
            name in BY_TAG
            or isinstance(value, int)
            or name.startswith("teardown_")
            or re.search(r"@sha256:[0-9a-f]{64}$", value)
        ), name


def test_commands_get_words_and_no_shell_gets_a_value() -> None:
    """A template in a command stands in argv; a shell is told values by its environment."""
    for where, task in TASKS:
        name, args = module(task)
        text = str(args.get("cmd") or args.get("_raw") or "")
        plain = re.sub(r"\{% raw %\}.*?\{% endraw %\}", "", text, flags=re.DOTALL)
        if name in (
            "ansible.builtin.command",
            "ansible.builtin.shell",
            "ansible.builtin.raw",
            "ansible.builtin.script",
        ):
            assert "{{" not in plain, (
                f"{where}: '{task['name']}': put the words into argv, or into environment for a shell"
            )


def test_programs_start_no_shell() -> None:
    for folder in ("plugins", "roles"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            assert not re.search(r"shell=True|os\.system|os\.popen|use_unsafe_shell", text), path


#: What a secret looks like. A test's own are called planted, wrong, fake or the like.
LOOKS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----\\n?[A-Za-z0-9+/=]{40}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b"
    r"|\bglpat-[A-Za-z0-9_-]{20}\b|\bhf_[A-Za-z0-9]{34}\b|\bxox[baprs]-[A-Za-z0-9-]{20}|\beyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{20,}"
    # In an address; not where the host is one that documentation and tests use.
    r"|://[^/\s:@'\"{}$<>()]+:[^/\s:@'\"{}$<>()]{3,}@(?![\w.-]*\.(?:test|example|invalid|lan)\b)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}\b"
)
ALLOWED = re.compile(
    r"[Pp]lanted|user:|secret@|pw@|pass(word)?@|wrong|fake|example|KEY:|alice:|minio:minio123@127", re.IGNORECASE
)


def test_no_secret_is_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    read = 0
    for name in listed.split("\0"):
        path = ROOT / name
        if name and path.is_file() and path.stat().st_size < 2_000_000:
            read += 1
            text = path.read_text(errors="replace")
            for found in LOOKS.finditer(text):
                line = text[text.rfind("\n", 0, found.start()) + 1 : found.end() + 20]
                assert ALLOWED.search(line), f"{name} holds what looks like a secret: {found[0][:12]}..."
            assert not re.search(r"^-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=]{40}", text, re.MULTILINE), name
    assert read > 300


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----\\n" + "A" * 40,
        "AKIA" + "B" * 16,
        "ghp_" + "c" * 36,
        "https://me:" + "d" * 9 + "@host.org/",
        "eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + "." + "c" * 20,
    ],
)
def test_secrets_would_be_found(text: str) -> None:
    assert LOOKS.search(text) and not ALLOWED.search(text)


def test_an_audit_that_could_not_ask_is_no_success() -> None:
    """pip-audit calls it success when it was told nothing about a package."""
    weak = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
    silent = {"name": "b", "skip_reason": "not found"}
    found, unasked = audit.judge({"dependencies": [weak, silent, {"name": "c", "version": "1", "vulns": []}]})
    assert found == ["a 1: CVE-1, mended in ['2']"]
    assert unasked == ["b"]
    assert all((ROOT / name).exists() for name in audit.LISTS)


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([[], [], []], 0),
        ([[], [{"name": "b", "skip_reason": "not found"}], []], 75),
        ([None, [], []], 75),
        (
            [
                [{"name": "b", "skip_reason": ""}],
                [{"name": "a", "version": "1", "vulns": [{"id": "C", "fix_versions": []}]}],
                None,
            ],
            1,
        ),
    ],
)
def test_an_audit_fails_on_a_finding_before_all(
    answers: list[Any], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = iter(answers)
    monkeypatch.setattr(audit, "ask", lambda path: None if (each := next(given)) is None else {"dependencies": each})
    assert audit.main() == status


def test_secret_kinds_are_never_shown() -> None:
    for name in SECRET_KINDS | {"proxy"}:
        assert KINDS[name].secret, name


def test_the_table_of_proofs_names_what_there_is() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    for name in re.findall(r"`((?:molecule|tests)/[\w/.]+)`", text):
        assert Path(ROOT, name).exists(), name


def test_the_lists_of_parts_name_every_pinned_package() -> None:
    # As people make them, but without looking whether the tools for it are there: this test runs on them.
    subprocess.run(["make", "--assume-old=.venv/dev", "sbom"], cwd=ROOT, check=True, capture_output=True)
    pins = re.compile(r"^([\w.-]+)==([^\s;]+)", re.M)
    for name, lists in (
        ("control-node", "requirements.txt"),
        ("sam2", "functions/sam2/nuclio/build/requirements*.txt"),
    ):
        made = json.loads((ROOT / f".cache/sbom/{name}.cdx.json").read_text())
        pinned = {pin for path in ROOT.glob(lists) for pin in pins.findall(path.read_text())}
        assert made["bomFormat"] == "CycloneDX" and pinned
        assert {(part["name"], part["version"]) for part in made["components"]} == pinned
