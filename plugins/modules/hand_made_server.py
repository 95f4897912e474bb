#!/usr/bin/python
"""Ansible module: a server that somebody set up by hand. Changes nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hand_made_server
short_description: Look at a CVAT server that was set up by hand
version_added: 0.1.0
description:
  - Finds out what a server runs, which settings of this project describe it, what stands in the way of taking it
    over, and what it leaves open to its network.
  - Reads containers, the network, the database's list of users and storages, and modes of folders. Secrets stay on
    the server.
options:
  network:
    description: Name of the network of CVAT's containers.
    type: str
    default: cvat_cvat
  folders:
    description: Folders whose modes matter, besides those that the containers mount.
    type: list
    elements: path
    default: []
  object_storage_url:
    description: The object storage as the server reaches it, asked without a key whether a bucket is open to everybody.
    type: str
    default: http://127.0.0.1:9000
attributes:
  check_mode:
    support: full
    description: It never changes anything.
  diff_mode:
    support: none
    description: There is nothing to show.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Look at what was set up by hand
  annotation.server.hand_made_server:
  register: found
"""

RETURN = r"""
settings:
  description: Variables of this project that describe the server.
  type: dict
  returned: success
unknown_functions:
  description: Functions that are not among the built-in ones.
  type: list
  elements: str
  returned: success
problems:
  description: What must be done by hand first, one sentence each.
  type: list
  elements: str
  returned: success
exposures:
  description: What is open or will break.
  type: list
  elements: dict
  returned: success
  contains:
    key: {description: The same as long as the thing is the same., type: str}
    what: {description: What is open., type: str}
    why: {description: Why that matters., type: str}
"""

import json
import stat
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import adoption, host_network

USERS = "SELECT json_agg(username ORDER BY id) FROM auth_user WHERE is_superuser AND is_active"
STORAGES = (
    "SELECT json_agg(json_build_object('resource', resource, 'display_name', display_name, "
    "'specific_attributes', specific_attributes) ORDER BY id) FROM engine_cloudstorage"
)


class Look:
    """One look at one server."""

    def __init__(self, module: AnsibleModule) -> None:
        """Take the module's options."""
        self.module = module
        self.client = module.get_bin_path("docker")

    def docker(self, *arguments: str) -> str:
        """Return what a docker command says; nothing where it fails, or where there is no Docker."""
        if self.client is None:
            return ""
        code, out, _err = self.module.run_command([self.client, *arguments])
        return out if code == 0 else ""

    def database(self, query: str) -> list[Any]:
        """Return the JSON list that a query in CVAT's database makes."""
        settings = adoption.environment(adoption.find(self.server, "cvat_db") or {"Config": {}})
        user, name = settings.get("POSTGRES_USER", "root"), settings.get("POSTGRES_DB", "cvat")
        asked = ("exec", "cvat_db", "psql", "-At", f"--username={user}", f"--dbname={name}", f"--command={query}")
        return json.loads(self.docker(*asked).strip() or "null") or []

    def is_public(self, bucket: str) -> bool:
        """Tell whether anybody may list a bucket."""
        url = f"{self.module.params['object_storage_url']}/{bucket}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - http, on this server
                return bool(answer.status == 200)
        except (OSError, ValueError):
            return False

    def run(self) -> dict[str, Any]:
        """Collect everything."""
        names = self.docker("ps", "--all", "--quiet").split()
        networks = json.loads(self.docker("network", "inspect", self.module.params["network"]) or "[]")
        self.server: dict[str, Any] = {
            "containers": json.loads(self.docker("inspect", *names) or "[]") if names else [],
            "network": networks[0] if networks else {},
            "listeners": host_network.listeners(Path("/"), [2375, 2376]),
        }
        self.server["superusers"] = self.database(USERS)
        storages = self.database(STORAGES)
        self.server["storages"] = [{**each, "public": self.is_public(each["resource"])} for each in storages]
        mounted = [
            adoption.mount(adoption.find(self.server, "cvat_server"), "/home/django/share"),
            adoption.mount(adoption.find(self.server, "minio"), "/data"),
        ]
        self.server["folders"] = {
            path: {"mode": oct(stat.S_IMODE(Path(path).stat().st_mode))[2:].zfill(4)}
            for path in {*self.module.params["folders"], *mounted}
            if path and Path(path).is_dir()
        }
        return self.server


def main() -> None:
    """Look and tell."""
    module = AnsibleModule(
        {
            "network": {"type": "str", "default": "cvat_cvat"},
            "folders": {"type": "list", "elements": "path", "default": []},
            "object_storage_url": {"type": "str", "default": "http://127.0.0.1:9000"},
        },
        supports_check_mode=True,
    )
    server = Look(module).run()
    module.exit_json(
        changed=False,
        settings=adoption.settings(server),
        unknown_functions=adoption.functions(server)[1],
        problems=adoption.problems(server),
        exposures=adoption.exposures(server),
    )


if __name__ == "__main__":
    main()
