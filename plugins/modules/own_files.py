#!/usr/bin/python
"""Ansible module: files and folders of this project, taken away; what they replaced comes back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: own_files
short_description: Remove this project's files, and put back what they replaced
version_added: 0.3.0
description:
  - Removes what the roles wrote outside of their own folders, and brings back the package sources that they replaced.
  - Removes folders that were not there before. One that was there empty is emptied; one that held something before
    stays as it is.
options:
  part:
    description:
      - V(system) are the files in the system's folders, V(apt) the package sources with pins and keys, V(folders) the
        folders named in O(folders) and those that the other two leave empty.
    type: str
    choices: [system, apt, folders]
    required: true
  folders:
    description: Folders, or single files, that go with all that is in them.
    type: list
    elements: path
    default: []
  empty:
    description: Folders that go if nothing is in them, in this order.
    type: list
    elements: path
    default: []
  kept:
    description: Folders and files that must stay, each with the reason.
    type: dict
    default: {}
  docker:
    description: Whether Docker's own data go, too.
    type: bool
    default: false
  record:
    description: File that says what the host was like before.
    type: path
    default: /var/lib/annotation-server/before/host.json
  docker_socket:
    description: Where Docker listens.
    type: path
    default: /var/run/docker.sock
attributes:
  check_mode:
    support: full
    description: Says what would go.
  diff_mode:
    support: full
    description: Lists what goes and what comes back.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Remove CVAT's tree and everything beside it
  annotation.server.own_files:
    part: folders
    folders: [/opt/annotation-server]
"""

RETURN = r"""
goes:
  description: What is removed.
  type: list
  elements: str
  returned: success
back:
  description: What comes back.
  type: list
  elements: str
  returned: success
stays:
  description: What was there before and therefore stays, each with the reason.
  type: dict
  returned: success
kept:
  description: Those of O(kept) that are there and hold something.
  type: dict
  returned: success
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import host_record, own_files

ROOT = Path("/")


def folders(params: dict[str, Any], record: dict[str, Any], checked: bool) -> dict[str, Any]:
    """Remove or empty folders, those too that are empty now and were not there before; give the others back."""
    facts: dict[str, Any] = record.get("folders", {})
    goes, stays = [], {}
    for path in params["folders"] + (list(own_files.DOCKER_FOLDERS) if params["docker"] else []):
        # Docker's own go only where the record knows that they are ours.
        before = facts.get(path, {"exists": True, "entries": 1} if path in own_files.DOCKER_FOLDERS else None)
        action, why = own_files.fate(Path(path), before)
        if action == "stays":
            stays[path] = why
        elif action != "nothing":
            goes.append(path if action == "remove" else f"{path}/*")
        if action == "remove" and not checked:
            own_files.remove(Path(path))
        elif action == "empty" and not checked:
            own_files.empty(Path(path))
    made = [path for path in own_files.FOLDERS if path in facts and not facts[path]["exists"]]
    for path in made + params["empty"]:
        there = Path(path)
        if there.is_dir() and not any(there.iterdir()):
            goes.append(path)
            if not checked:
                there.rmdir()
    back = []
    for path in [*params["folders"], *params["kept"]]:
        if own_files.has_changed_hands(Path(path), facts.get(path)):
            back.append(f"owner and mode of {path}")
            if not checked:
                own_files.give(Path(path), facts[path])
    kept = {path: why for path, why in params["kept"].items() if own_files.holds_something(Path(path))}
    return {"goes": goes, "back": back, "stays": stays, "kept": kept}


def main() -> None:
    """Look, decide, remove, answer."""
    module = AnsibleModule(
        argument_spec={
            "part": {"type": "str", "choices": ["system", "apt", "folders"], "required": True},
            "folders": {"type": "list", "elements": "path", "default": []},
            "empty": {"type": "list", "elements": "path", "default": []},
            "kept": {"type": "dict", "default": {}},
            "docker": {"type": "bool", "default": False},
            "record": {"type": "path", "default": host_record.PATH},
            "docker_socket": {"type": "path", "default": "/var/run/docker.sock"},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        record = host_record.known(Path(params["record"]), ROOT, params["docker_socket"])
        if params["part"] == "folders":
            answer = folders(params, record, module.check_mode)
        else:
            apt = params["part"] == "apt"
            changes = own_files.apt_changes(ROOT, record) if apt else own_files.system_changes(ROOT)
            for path, content in changes.items():
                if not module.check_mode:
                    own_files.put(ROOT, path, content)
            back = sorted(path for path, content in changes.items() if content)
            answer = {"goes": sorted(changes.keys() - set(back)), "back": back, "stays": {}, "kept": {}}
    except ValueError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(
            msg=f"Cannot read, write or remove {error.filename}: {error.strerror}. Run again once that is mended."
        )
    before, after = ("".join(f"{each}\n" for each in answer[key]) for key in ("goes", "back"))
    diff = {"before": before, "after": after, "before_header": "goes", "after_header": "comes back"}
    module.exit_json(changed=bool(answer["goes"] or answer["back"]), diff=diff, **answer)


if __name__ == "__main__":
    main()
