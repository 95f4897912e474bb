#!/usr/bin/python
"""Ansible module: a folder on the host that is kept equal to a list of files. See plugins/action/build_context.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: build_context
short_description: Lay a build context together on the host
version_added: 0.1.0
description:
  - Keeps a folder equal to a list of files from the control node and from the host. Files that are no longer in the
    list are removed from the folder.
  - Everything is compared by hash first; when nothing differs nothing is sent. What differs travels as one archive, and
    the folder is replaced at once.
options:
  path:
    description: The folder on the host.
    type: path
    required: true
  parts:
    description: Files and folders on the control node. Later ones overwrite earlier ones.
    type: list
    elements: dict
    default: []
    suboptions:
      src:
        description: A file or a folder. Of a folder everything in it is taken.
        type: path
        required: true
      dest:
        description: Where it goes in the folder. Empty is the top for a folder, and its own name for a file.
        type: str
        default: ""
  remote_parts:
    description: Files and folders that are on the host already. Files from the control node overwrite them.
    type: list
    elements: dict
    default: []
    suboptions:
      src:
        description: A file or a folder on the host.
        type: path
        required: true
      dest:
        description: As in O(parts).
        type: str
        default: ""
      link:
        description: Make a hard link instead of a copy, for large files.
        type: bool
        default: false
      sha256:
        description: The hash that a file must have; in check mode it stands for a file that is not there yet.
        type: str
  content:
    description: Texts, by the path of the file they go to. They overwrite everything else.
    type: dict
    default: {}
  exclude:
    description:
      - Patterns of files to leave out. A pattern without a slash is compared with every part of a path.
      - What tools leave behind (C(__pycache__), C(.git), ...) is always left out.
    type: list
    elements: str
    default: []
  manifest:
    description: Set by the action plugin.
    type: dict
    default: {}
  archive:
    description: Set by the action plugin.
    type: path
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    description: Shows the texts of changed files up to 64 KiB.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Lay the files of the interactor together
  annotation.server.build_context:
    path: /opt/annotation-server/functions/sam2
    parts:
      - src: "{{ playbook_dir }}/../functions/sam2/nuclio"
      - src: "{{ playbook_dir }}/../functions/sam2/segmenter"
        dest: segmenter
  register: context
"""

RETURN = r"""
files:
  description: Path and sha256 of every file that the folder holds, or would hold.
  type: dict
  returned: success
changes:
  description: What was added, changed and removed, in words.
  type: list
  elements: str
  returned: success
"""

import dataclasses
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import build_tree, nuclio_inputs


def wanted_files(params: dict[str, Any], parts: list[build_tree.Part], check_mode: bool) -> dict[str, str]:
    """Return the manifest of what the folder should hold."""
    wanted: dict[str, str] = {}
    for part, given in zip(parts, params["remote_parts"], strict=True):
        try:
            found = part.files(params["exclude"])
        except FileNotFoundError:
            if not check_mode:
                raise
            # On a bare host it is not there yet.
            if given["sha256"]:
                wanted[part.dest or part.source.name] = nuclio_inputs.entry(given["sha256"], executable=False)
            continue
        for relative, path in found.items():
            digest = nuclio_inputs.file_digest(path)
            if given["sha256"] and digest != given["sha256"]:
                raise ValueError(f"{path} has the sha256 {digest}, not {given['sha256']}. Remove it and run again.")
            wanted[relative] = nuclio_inputs.entry(digest, bool(path.stat().st_mode & 0o100) and not part.link)
    wanted.update(params["manifest"])
    return wanted


def main() -> None:
    """Read the arguments, compare, replace if needed, answer."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "parts": {"type": "list", "elements": "dict", "default": []},
            "remote_parts": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "src": {"type": "path", "required": True},
                    "dest": {"type": "str", "default": ""},
                    "link": {"type": "bool", "default": False},
                    "sha256": {"type": "str"},
                },
            },
            "content": {"type": "dict", "default": {}},
            "exclude": {"type": "list", "elements": "str", "default": []},
            "manifest": {"type": "dict", "default": {}},
            "archive": {"type": "path"},
        },
        supports_check_mode=True,
    )
    params = module.params
    folder = Path(params["path"])
    parts = [build_tree.Part(Path(part["src"]), part["dest"], part["link"]) for part in params["remote_parts"]]
    try:
        wanted = wanted_files(params, parts, module.check_mode)
        present = nuclio_inputs.manifest(folder) if folder.is_dir() else {}
        change = build_tree.compare(present, wanted)
        texts = {name: build_tree.text_of(folder / name) for name in (*change.changed, *change.removed)}
        result = {"changed": bool(change), "files": wanted, "change": dataclasses.asdict(change), "before": texts}
        if not change or module.check_mode:
            module.exit_json(**result)
        if params["manifest"] and not params["archive"]:
            module.exit_json(**result, needs_archive=True)
        build_tree.replace(folder, Path(params["archive"]) if params["archive"] else None, parts, params["exclude"])
        module.exit_json(**result)
    except ValueError as error:
        module.fail_json(msg=str(error))
    except FileNotFoundError as error:
        module.fail_json(msg=f"{error} Is the path right, and did the stage that makes it run?")
    except OSError as error:
        module.fail_json(msg=f"Cannot read or write {error.filename}: {error.strerror}.")


if __name__ == "__main__":
    main()
