"""Several servers in one inventory: nothing of one gets into another, and a rolling run stops at the first failure."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import task_files
import yaml

ROOT = task_files.ROOT
#: Modules that write a file, and the option with its name.
WRITERS = {"copy": "dest", "template": "dest", "fetch": "dest", "file": "path", "archive": "dest", "get_url": "dest"}


def plays() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        found += [(path.name, play) for play in yaml.safe_load(path.read_text()) if "hosts" in play]
    return found


def meaning(text: str, role: Path) -> str:
    """Return a text with the role's own variables in it replaced by what they stand for."""
    known: dict[str, Any] = {}
    for name in ("defaults", "vars"):
        path = role / name / "main.yml"
        known |= (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}
    for _ in range(5):
        text = re.sub(r"\b[a-z_]+\b", lambda match: str(known.get(match.group(), match.group())), text)
    return text


def written_here() -> list[tuple[str, Path]]:
    """Return what roles write on the control node; temporary files have a name of their own anyway."""
    found = []
    for path in sorted(ROOT.glob("roles/*/tasks/*.yml")):
        here = task_files.read(path)
        temporary = [task["register"] for task in here if "ansible.builtin.tempfile" in task]
        for task in here:
            for module, option in WRITERS.items():
                arguments = task.get(f"ansible.builtin.{module}")
                local = module == "fetch" or task.get("delegate_to") == "localhost"
                if arguments and local and not any(name in arguments[option] for name in temporary):
                    each = str(task["loop"]) if "item." in arguments[option] else arguments[option]
                    found.append((each, path.parent.parent))
    return found


def test_no_file_on_the_control_node_is_shared_by_servers() -> None:
    assert len(written_here()) >= 4
    shared = [text for text, role in written_here() if "inventory_hostname" not in meaning(text, role)]
    assert shared == []


def test_no_task_does_for_all_servers_what_belongs_to_one() -> None:
    for path in [*ROOT.glob("roles/*/*/*.yml"), *ROOT.glob("playbooks/*.yml")]:
        text = path.read_text()
        assert "run_once" not in text and "delegate_facts" not in text and "cacheable" not in text, path


@pytest.mark.parametrize(("name", "play"), [pair for pair in plays() if pair[1]["hosts"] == "annotation_servers"])
def test_every_play_can_go_from_server_to_server(name: str, play: dict[str, Any]) -> None:
    # An upgrade never takes more than one, whatever is asked for.
    assert play.get("serial") == 1 or "annotation_server_serial" in play.get("serial", ""), name


def run(tmp_path: Path, second: dict[str, Any], *words: str) -> str:
    """Run preflight on two servers that are this machine; the memory it asks for, no machine has."""
    first = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
    hosts = {"one": first, "two": first | second}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"annotation_servers": {"hosts": hosts}}))
    wishes = '{"preflight_memory_minimum_mb": 999999999, "preflight_urls": []}'
    program = Path(sys.executable).with_name("ansible-playbook")
    command: list[str | Path] = [program, "-i", tmp_path / "hosts.yml", "playbooks/preflight.yml", "-e", wishes, *words]
    environment = os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_CACHE_PLUGIN": "memory"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_servers_are_set_up_at_the_same_time(tmp_path: Path) -> None:
    said = run(tmp_path, {})
    assert "later step fail on one" in said and "later step fail on two" in said


def test_a_rolling_run_stops_at_the_first_failure(tmp_path: Path) -> None:
    said = run(tmp_path, {}, "-e", "annotation_server_serial=1")
    assert "later step fail on one" in said and "two" not in said.partition("PLAY RECAP")[0].partition("fail on one")[2]
    assert not re.search(r"^two ", said, flags=re.MULTILINE)


def test_one_server_under_two_names_is_refused(tmp_path: Path) -> None:
    address = {"ansible_host": "192.0.2.10"}
    said = run(tmp_path, address, "-e", "ansible_host=192.0.2.10")
    assert "one and two have the same address in the inventory (192.0.2.10)" in " ".join(said.split())
