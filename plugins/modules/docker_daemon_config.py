#!/usr/bin/python
"""Ansible module: settings of Docker Engine, merged into daemon.json."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon_config
short_description: Merge settings into Docker's daemon.json
version_added: 0.1.0
description:
  - The one owner of C(daemon.json). Settings of others stay; a file with the wanted settings is not touched.
  - The new file is tested with C(dockerd --validate) before it takes the old one's place. A file that is no JSON, and
    settings that are on the command line of the service too, are refused with a sentence that says what to do.
  - A new file can be read by everybody, unless an address in it (of a proxy) holds a password.
  - Says whether the running engine needs a reload or a restart. It does neither itself.
options:
  path:
    description: The file.
    type: path
    default: /etc/docker/daemon.json
  settings:
    description:
      - What to set. Objects are merged key by key, lists of words united, everything else replaced.
      - Without settings the file is only read.
    type: dict
    default: {}
  remove:
    description: Top-level keys to take away.
    type: list
    elements: str
    default: []
  memory:
    description:
      - File that keeps what was merged, and the settings before the first merge, so that both can be told apart later.
        Without it nothing can be taken back.
    type: path
  undo:
    description: Take back what O(memory) says was merged. What somebody changed since stays.
    type: bool
    default: false
  unit:
    description: The systemd service whose flags are looked at.
    type: str
    default: docker.service
attributes:
  check_mode:
    support: full
    description: The settings are validated too.
  diff_mode:
    support: full
    description: Shows the file before and after.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Rotate the containers' logs
  annotation.server.docker_daemon_config:
    settings:
      log-driver: json-file
      log-opts: {max-size: 10m, max-file: "3"}
  register: daemon_config

- name: Add a runtime beside those that are there
  annotation.server.docker_daemon_config:
    settings:
      runtimes:
        nvidia: {path: nvidia-container-runtime, args: []}
"""

RETURN = r"""
before:
  description: The settings in the file before.
  type: dict
  returned: success
settings:
  description: The settings in the file now.
  type: dict
  returned: success
changed_keys:
  description: Top-level keys that differ.
  type: list
  elements: str
  returned: success
action:
  description: What a running engine needs to follow - V(none), V(reload) or V(restart).
  type: str
  returned: success
validated:
  description: Whether dockerd has tested the file. It cannot before Docker is installed, nor before Engine 23.
  type: bool
  returned: success
backup:
  description: Copy of the file before, to go back to; empty when nothing was written or no file was there.
  type: str
  returned: success
"""

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import docker_daemon


def command_line(module: AnsibleModule, unit: str) -> str:
    """Return the words that the service starts dockerd with, variables of its environment files filled in."""
    systemctl = module.get_bin_path("systemctl")
    if not systemctl:
        return ""
    wanted = "--property=ExecStart,EnvironmentFiles,Environment"
    code, out, _err = module.run_command([systemctl, "show", unit, wanted])
    if code != 0:
        return ""
    start = re.search(r"argv\[\]=(.*?) ;", out)
    text = start.group(1) if start else ""
    known = dict(re.findall(r"(\w+)=(\S*)", " ".join(re.findall(r"^Environment=(.*)$", out, flags=re.MULTILINE))))
    for name in re.findall(r"^EnvironmentFiles=(\S+)", out, flags=re.MULTILINE):
        if Path(name).is_file():
            known.update(re.findall(r"^\s*(\w+)=[\"']?(.*?)[\"']?\s*$", Path(name).read_text(), flags=re.MULTILINE))
    return re.sub(r"\$\{?(\w+)\}?", lambda match: known.get(match.group(1), ""), text)


def validate(module: AnsibleModule, content: str) -> bool:
    """Have dockerd test the settings; false where it cannot."""
    dockerd = module.get_bin_path("dockerd")
    if not dockerd:
        return False
    with tempfile.NamedTemporaryFile("w", suffix=".json", dir=module.tmpdir) as handle:
        handle.write(content)
        handle.flush()
        code, out, err = module.run_command([dockerd, "--validate", "--config-file", handle.name])
    said = (err or out).strip()
    if code != 0 and "unknown flag: --validate" in said:
        return False
    if code != 0:
        said = said.replace(handle.name, module.params["path"])
        module.fail_json(msg=f"Docker refuses these settings: {said}. {module.params['path']} was left as it is.")
    return True


def write(module: AnsibleModule, path: Path, content: str) -> str:
    """Replace the file at once, as a whole; keep the one before beside it. Return the copy's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    backup = path.with_name(path.name + ".before")
    if path.exists():
        module.preserved_copy(str(path), str(backup))
    else:
        backup.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "w") as file:
        file.write(content)
    existed = path.exists()
    module.atomic_move(name, str(path))
    if docker_daemon.PASSWORD.search(content):
        path.chmod(0o600)
    elif not existed:
        path.chmod(0o644)
    return str(backup) if backup.exists() else ""


def recall(path: str | None) -> dict[str, Any]:
    """Return what was merged before: ``text`` of the file before the first merge (none: no file), and ``merged``."""
    if not path or not Path(path).exists():
        return {}
    content: dict[str, Any] = json.loads(Path(path).read_text())
    return content


def remember(path: Path, memory: dict[str, Any]) -> None:
    """Keep the memory for root alone: settings may hold a proxy's password."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(memory, indent=1) + "\n")


def main() -> None:
    """Read, merge, test, replace, answer."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "settings": {"type": "dict", "default": {}},
            "remove": {"type": "list", "elements": "str", "default": []},
            "memory": {"type": "path"},
            "undo": {"type": "bool", "default": False},
            "unit": {"type": "str", "default": "docker.service"},
        },
        supports_check_mode=True,
    )
    params, path = module.params, Path(module.params["path"])
    validated, backup, content = False, "", ""
    try:
        text = path.read_text() if path.exists() else ""
        before = docker_daemon.parse(text, str(path))
        memory = recall(params["memory"])
        if params["undo"]:
            original = docker_daemon.parse(memory.get("text") or "", str(path))
            after = docker_daemon.take_back(before, original, memory.get("merged", {})) or {}
        else:
            original = {}
            after = docker_daemon.apply(before, params["settings"], params["remove"])
        keys = docker_daemon.changed_keys(before, after)
        if keys:
            docker_daemon.check_flags(after, command_line(module, params["unit"]), str(path))
            content = docker_daemon.render(after)
            if params["undo"] and after == original:
                content = memory.get("text") or ""  # to the letter as it was; without text there was no file
            validated = validate(module, content or "{}")
            if not module.check_mode:
                if params["memory"] and not params["undo"]:
                    merged = docker_daemon.merge(memory.get("merged", {}), params["settings"])
                    first = memory.get("text") if memory else (text if path.exists() else None)
                    remember(Path(params["memory"]), {"text": first, "merged": merged})
                backup = write(module, path, content)
                if params["undo"] and not content and memory.get("text") is None:
                    path.unlink()
    except (docker_daemon.DaemonConfigError, UnicodeDecodeError) as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"Cannot read or write {path}: {error.strerror}.")
    module.exit_json(
        changed=bool(keys),
        before=before,
        settings=after,
        changed_keys=keys,
        action=docker_daemon.action(keys),
        validated=validated,
        backup=backup,
        diff={"before": text, "after": content, "before_header": str(path), "after_header": str(path)} if keys else {},
    )


if __name__ == "__main__":
    main()
