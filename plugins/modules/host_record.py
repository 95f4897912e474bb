#!/usr/bin/python
"""Ansible module: the record of what a host was like before this project changed it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_record
short_description: Write down, once, what a host was like before
version_added: 0.3.0
description:
  - Notes the names of the installed packages, the package sources with their pins and keys, some folders, the groups
    and the images in Docker. A teardown reads it to lead back there, and leaves alone what was there.
  - A record that exists stays as it is. After a teardown that kept data it is completed.
options:
  path:
    description: The record. For root alone, because package sources may hold passwords.
    type: path
    default: /var/lib/annotation-server/before/host.json
  folders:
    description: Folders that a run may make, of which one wants to know whether they were there before.
    type: list
    elements: path
    default: []
  state:
    description:
      - V(present) writes what is missing. V(reduced) is for a teardown that kept data, and leaves only what a later one
        must know. V(absent) removes the record.
    type: str
    choices: [present, reduced, absent]
    default: present
  groups_left:
    description: With V(reduced), groups that are ours and stay.
    type: list
    elements: str
    default: []
  docker_socket:
    description: Where Docker listens.
    type: path
    default: /var/run/docker.sock
attributes:
  check_mode:
    support: full
    description: Says whether it would be written.
  diff_mode:
    support: none
    description: A list of all packages helps nobody.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Write down what the host was like before
  annotation.server.host_record:
    folders: [/mnt/share, /mnt/minio-data]
"""

RETURN = r"""
exists:
  description: Whether there was one before.
  type: bool
  returned: success
groups:
  description: The groups that were there.
  type: list
  elements: str
  returned: when there is one
docker:
  description: Whether Docker was there.
  type: bool
  returned: when there is one
not_mounted:
  description: Those of the folders that were no mount points.
  type: list
  elements: str
  returned: when there is one
made:
  description: When it was first written.
  type: str
  returned: when there is one
late:
  description: Whether parts of the server were there already by then.
  type: bool
  returned: when there is one
"""

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import host_record, own_files, own_packages


def reduced(record: dict[str, Any], groups_left: list[str]) -> dict[str, Any]:
    """Return what stays of a record, given what is ours and still installed."""
    if "packages" not in record:
        return record
    here = host_record.installed(Path("/"))
    ours = [name for name in here if name not in record["packages"] and own_packages.part(name)]
    return host_record.reduce(record, ours, groups_left)


def summary(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a play may want to know of a record."""
    if "packages" not in record:
        return {}
    folders = record["folders"]
    return {
        "made": record["made"],
        "late": record["late"],
        "groups": record["groups"],
        "docker": bool(own_packages.ENGINES & set(record["packages"])) or folders["/var/lib/docker"]["entries"] > 0,
        "not_mounted": sorted(path for path, about in folders.items() if not about["mount"]),
    }


def main() -> None:
    """Read, complete or remove, answer."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": host_record.PATH},
            "folders": {"type": "list", "elements": "path", "default": []},
            "state": {"type": "str", "choices": ["present", "reduced", "absent"], "default": "present"},
            "groups_left": {"type": "list", "elements": "str", "default": []},
            "docker_socket": {"type": "path", "default": "/var/run/docker.sock"},
        },
        supports_check_mode=True,
    )
    params, path = module.params, Path(module.params["path"])
    after: dict[str, Any] = {}
    try:
        before = host_record.read(path)
        if params["state"] == "reduced" and before:
            after = reduced(before, params["groups_left"])
        elif params["state"] == "present" and "packages" in before:
            after = before
        elif params["state"] == "present":
            folders = list({*params["folders"], *own_files.FOLDERS, *own_files.DOCKER_FOLDERS})
            now = host_record.look(Path("/"), sorted(folders), params["docker_socket"])
            now["made"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
            after = host_record.complete(before, now)
        if after != before and not module.check_mode:
            if after:
                host_record.write(path, after)
            else:
                path.unlink()
    except ValueError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"Cannot read or write {error.filename or path}: {error.strerror}.")
    module.exit_json(changed=after != before, exists=bool(before), **summary(after))


if __name__ == "__main__":
    main()
