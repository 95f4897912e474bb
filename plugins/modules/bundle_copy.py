#!/usr/bin/python
"""Ansible module: a bundle on a server. Its action plugin sends the files."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle_copy
short_description: Bring a bundle from the control node to a server
version_added: 0.2.0
description:
  - Copies the files of a bundle that the server does not have yet, compares each with its sum, and removes what belongs
    to an earlier bundle.
options:
  src:
    description: The bundle on the control node.
    type: path
    required: true
  dest:
    description: Folder on the server.
    type: path
    required: true
  phase:
    description:
      - V(look) only tells what is missing, what is too much, how many bytes are free, and what is damaged of what would
        be sent. V(send) sends it where nothing is damaged. The others are the action plugin's.
    type: str
    choices: [look, send, place, finish]
    default: send
  files:
    description: Set by the action plugin.
    type: dict
  incoming:
    description: Set by the action plugin.
    type: path
  surplus:
    description: Set by the action plugin.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Says what would be sent.
  diff_mode:
    support: none
    description: Files are only named.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Bring the bundle
  annotation.server.bundle_copy:
    src: /srv/bundle
    dest: /opt/annotation-server/bundle
"""

RETURN = r"""
missing:
  description: Files that the server does not have, or did not have.
  type: list
  elements: str
  returned: success
surplus:
  description: Files that are not in the bundle.
  type: list
  elements: str
  returned: success
bytes:
  description: Size of the missing files.
  type: int
  returned: success
free:
  description: Free bytes on the disk of O(dest).
  type: int
  returned: success
damaged:
  description: With O(phase=look), what is wrong with the files on the control node that the server needs, by name.
  type: dict
  returned: success
"""

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import bundle

#: Which sums the files on the server had when they came. Many GB are not summed again with every run.
CAME = ".came.json"


def look(dest: Path, files: dict[str, Any]) -> dict[str, Any]:
    """Compare what is there with what should be: the sizes, and the sums that the files had when they came."""
    came = _came(dest)
    missing = sorted(
        name
        for name, entry in files.items()
        if came.get(name) != entry["sha256"]
        or not (dest / name).is_file()
        or (dest / name).stat().st_size != entry["size"]
    )
    there = [path.relative_to(dest).as_posix() for path in dest.rglob("*") if path.is_file()] if dest.is_dir() else []
    home = next(path for path in (dest, *dest.parents) if path.exists())
    return {
        "missing": missing,
        "surplus": sorted(name for name in there if name not in files and name != CAME),
        "bytes": sum(files[name]["size"] for name in missing),
        "free": shutil.disk_usage(home).free,
    }


def place(dest: Path, incoming: Path, files: dict[str, Any]) -> None:
    """Put what was sent in its place: one file as it is, or an archive of several."""
    if len(files) == 1:
        name, entry = next(iter(files.items()))
        _put(incoming, dest / name, entry)
    else:
        with tarfile.open(incoming) as tar:
            for name, entry in files.items():
                partial = incoming.with_name("one")
                stream = tar.extractfile(name)
                if stream is None:
                    raise bundle.BundleError(f"{name} was not sent.")
                with stream, partial.open("wb") as out:
                    shutil.copyfileobj(stream, out, 1 << 20)
                _put(partial, dest / name, entry)
    partial = dest / f"{CAME}.part"
    partial.write_text(json.dumps({**_came(dest), **{name: entry["sha256"] for name, entry in files.items()}}))
    partial.replace(dest / CAME)


def _came(dest: Path) -> dict[str, str]:
    try:
        said: dict[str, str] = json.loads((dest / CAME).read_text())
    except (OSError, ValueError):
        return {}  # then all comes again
    return said


def _put(source: Path, target: Path, entry: dict[str, Any]) -> None:
    if bundle.file_digest(source) != entry["sha256"]:
        raise bundle.BundleError(f"{target.name} came with another sha256. Run again; is the disk full or damaged?")
    for folder in reversed(target.parents):
        if not folder.exists():
            folder.mkdir()
            # Whatever the umask: who serves the images, and apt, are not root.
            folder.chmod(0o755)
    partial = target.with_name(target.name + ".part")
    shutil.move(source, partial)
    partial.chmod(0o644)
    partial.replace(target)


def main() -> None:
    """Look, place or finish."""
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "path", "required": True},
            "dest": {"type": "path", "required": True},
            "phase": {"type": "str", "choices": ["look", "send", "place", "finish"], "default": "send"},
            "files": {"type": "dict"},
            "incoming": {"type": "path"},
            "surplus": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    params = module.params
    dest, files = Path(params["dest"]), params["files"] or {}
    try:
        if params["phase"] == "place":
            place(dest, Path(params["incoming"]), files)
        elif params["phase"] == "finish":
            for name in params["surplus"]:
                (dest / name).unlink(missing_ok=True)
        module.exit_json(changed=params["phase"] in ("place", "finish"), **look(dest, files))
    except bundle.BundleError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"Cannot write {error.filename or dest}: {error.strerror or error}.")


if __name__ == "__main__":
    main()
