#!/usr/bin/python
"""Ansible module: packages in a bundle."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle_packages
short_description: Bring packages with all that they need into a bundle
version_added: 0.2.0
description:
  - Makes a folder a package repository for the release of this machine. It holds packages with everything that they
    need, as if nothing were installed, so that it does for a server whatever is installed there.
  - Fetched by apt, with folders of its own, from the distribution's sources of this machine and from those that are
    named. apt checks their signatures. What this machine has installed, and its lists, are left alone.
options:
  path:
    description: The folder.
    type: path
    required: true
  work:
    description: Folder for lists and for packages that were fetched; it makes the next time quick.
    type: path
    required: true
  names:
    description: Packages, with C(=version) where one is wanted.
    type: list
    elements: str
    required: true
  optional:
    description: Packages that are left out where no source has them.
    type: list
    elements: str
    default: []
  components:
    description: Components of the distribution besides those that this machine uses.
    type: list
    elements: str
    default: []
  repositories:
    description: Further sources.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the file for the key.
        type: str
        required: true
      url:
        description: Address.
        type: str
        required: true
      suites:
        description: Suites.
        type: list
        elements: str
        required: true
      components:
        description: Components.
        type: list
        elements: str
        default: []
      key:
        description: Text of the key that it is signed with.
        type: str
        required: true
  pins:
    description: Which version counts, as in apt_preferences(5).
    type: list
    elements: dict
    default: []
    suboptions:
      packages:
        description: Names or patterns.
        type: list
        elements: str
        required: true
      pin:
        description: What is meant, for example V(version 580.*).
        type: str
        required: true
      priority:
        description: How much it counts.
        type: int
        required: true
attributes:
  check_mode:
    support: none
    description: It is meant for a machine on which nothing is at stake.
  diff_mode:
    support: none
    description: Packages are not shown.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Bring packages
  annotation.server.bundle_packages:
    path: /srv/bundle/packages
    work: /var/cache/bundle
    names: [docker.io, restic]
"""

RETURN = r"""
versions:
  description: Version of each package by its name.
  type: dict
  returned: success
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import bundle_packages, host_system

APT = Path("/etc/apt")


def sources(params: dict[str, Any]) -> list[str]:
    """Return the distribution's sources of this machine, and the named ones."""
    paths = [APT / "sources.list", *APT.glob("sources.list.d/*.list"), *APT.glob("sources.list.d/*.sources")]
    files = {str(path): host_system.read(path) for path in paths}
    codename = host_system.system(Path("/"))["codename"]
    own = bundle_packages.distribution(files, codename, params["components"])
    if not own:
        raise bundle_packages.PackagesError(f"No file in {APT} names where packages of {codename} come from.")
    named = [
        bundle_packages.stanza([each["url"]], each["suites"], each["components"], f"{{keys}}/{each['name']}.asc")
        for each in params["repositories"]
    ]
    return [*own, *dict.fromkeys(named)]


def pins(entries: list[dict[str, Any]]) -> str:
    """Return pins as a file of preferences."""
    lines = [f"Package: {' '.join(e['packages'])}\nPin: {e['pin']}\nPin-Priority: {e['priority']}\n" for e in entries]
    return "\n".join(lines)


def main() -> None:
    """Fetch, and make the repository."""
    text, words = {"type": "str", "required": True}, {"type": "list", "elements": "str", "default": []}
    names = {"type": "list", "elements": "str", "required": True}
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "work": {"type": "path", "required": True},
            "names": names,
            "optional": words,
            "components": words,
            "repositories": {
                "type": "list",
                "elements": "dict",
                "default": [],
                # The key is public.
                "options": {
                    "name": text,
                    "url": text,
                    "suites": names,
                    "components": words,
                    "key": {**text, "no_log": False},
                },
            },
            "pins": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"packages": names, "pin": text, "priority": {"type": "int", "required": True}},
            },
        },
    )
    params = module.params
    keys = {f"{each['name']}.asc": each["key"] for each in params["repositories"]}
    try:
        fetcher = bundle_packages.Fetcher(Path(params["work"]), sources(params), keys, pins(params["pins"]))
        files = fetcher.fetch(params["names"], params["optional"])
        changed = bundle_packages.write(Path(params["path"]), files)
    except bundle_packages.PackagesError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"Cannot read or write {error.filename}: {error.strerror or error}.")
    module.exit_json(changed=changed, versions=bundle_packages.describe(files))


if __name__ == "__main__":
    main()
