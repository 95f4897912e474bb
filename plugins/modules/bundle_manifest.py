#!/usr/bin/python
"""Ansible module: the list of a bundle."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle_manifest
short_description: Check a bundle, or write its list
version_added: 0.2.0
description:
  - The list of a bundle names every file with its size, its sha256 and where it came from.
options:
  path:
    description: Folder of the bundle.
    type: path
    required: true
  state:
    description:
      - V(checked) compares every file with its sum, and removes those that are damaged, so that they are brought again.
      - V(written) writes the list of what is there.
    type: str
    choices: [checked, written]
    required: true
  content:
    description: With O(state=written), what the list says besides the files.
    type: dict
    default: {}
  origins:
    description: With O(state=written), where files came from, by the beginning of their names.
    type: dict
    default: {}
attributes:
  check_mode:
    support: none
    description: It is meant for a machine on which nothing is at stake.
  diff_mode:
    support: none
    description: The list is not shown.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Check a bundle
  annotation.server.bundle_manifest:
    path: /srv/bundle
    state: checked
"""

RETURN = r"""
wrong:
  description: With O(state=checked), what was wrong with files, by their names.
  type: dict
  returned: success
bytes:
  description: Size of all files.
  type: int
  returned: success
"""

import datetime
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import bundle
from ansible_collections.annotation.server.plugins.module_utils.image_layout import Layout


def check(folder: Path) -> dict[str, str]:
    """Compare every file with its sum, and remove the wrong ones."""
    if not (folder / bundle.MANIFEST).exists():
        return {}
    files = bundle.read(folder)["files"]
    wrong = bundle.wrong_files(folder, files, files)
    for name in wrong:
        (folder / name).unlink(missing_ok=True)
    if wrong:
        # What has it now is no complete bundle until it is written anew.
        (folder / bundle.MANIFEST).unlink()
        Layout(folder / bundle.IMAGES).drop_incomplete()
    return wrong


def write(folder: Path, content: dict[str, Any], origins: dict[str, str]) -> tuple[bool, int]:
    """Write the list; returns whether it is another one, and the size of all files."""
    layout = Layout(folder / bundle.IMAGES)
    images = layout.names()
    parts = {
        f"{bundle.BLOBS}{part.partition(':')[2]}": f"image {name}"
        for name, digest in images.items()
        for part in layout.parts(digest)
    }
    files = bundle.describe(folder, {**origins, **parts})
    made = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    manifest = {"format": bundle.FORMAT, "made": made, **content, "images": images, "files": files}
    return bundle.write(folder, manifest), sum(entry["size"] for entry in files.values())


def main() -> None:
    """Check or write."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["checked", "written"], "required": True},
            "content": {"type": "dict", "default": {}},
            "origins": {"type": "dict", "default": {}},
        },
    )
    folder = Path(module.params["path"])
    wrong: dict[str, str] = {}
    size = 0
    try:
        if module.params["state"] == "checked":
            wrong = check(folder)
            changed = bool(wrong)
        else:
            changed, size = write(folder, module.params["content"], module.params["origins"])
    except bundle.BundleError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"Cannot read or write {error.filename}: {error.strerror or error}.")
    module.exit_json(changed=changed, wrong=wrong, bytes=size)


if __name__ == "__main__":
    main()
