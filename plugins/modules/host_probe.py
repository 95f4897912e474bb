#!/usr/bin/python
"""Ansible module: what a host is like, as far as an annotation server cares. Changes nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_probe
short_description: Look at a host before anything is installed
version_added: 0.1.0
description:
  - Collects what can make a later step fail. Judges nothing and changes nothing.
  - Needs only Python on the host, no package and no service. Parts that cannot be found out are empty.
options:
  gather:
    description: The parts to collect.
    type: list
    elements: str
    choices: [system, disks, network, internet, docker, packages]
    default: [system, disks, network, internet, docker, packages]
  paths:
    description: Files and folders whose file system is described; they need not exist.
    type: list
    elements: path
    default: []
  ports:
    description: TCP ports of which one wants to know who listens there.
    type: list
    elements: int
    default: []
  urls:
    description:
      - Addresses that must be reachable. They are asked at the same time, through the proxies in the environment.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait for one address.
    type: float
    default: 6
  ca_certificates:
    description: Extra certificate authorities (PEM text) to trust while asking.
    type: str
    default: ""
  resolve:
    description: Names of which one wants to know the addresses.
    type: list
    elements: str
    default: []
  control_time:
    description: The control node's time, in seconds since 1970, to compare with; 0 for no comparison.
    type: float
    default: 0
  docker_socket:
    description: Where Docker listens.
    type: path
    default: /var/run/docker.sock
  packages:
    description: Debian packages of which one wants to know the installed version.
    type: list
    elements: str
    default: []
  root:
    description: Folder that holds C(proc), C(sys), C(etc), C(run) and C(var); another one shows another host.
    type: path
    default: /
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
- name: Look who holds CVAT's port
  annotation.server.host_probe:
    gather: [network, docker]
    ports: [8080]
  register: probe
"""

RETURN = r"""
host:
  description: One key per part. Sizes are bytes.
  type: dict
  returned: success
"""

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import (
    docker_socket,
    host_clock,
    host_disks,
    host_network,
    host_system,
)


def programs(module: AnsibleModule) -> dict[str, Any]:
    """Find Docker's programs and ask for their versions; empty where one is missing."""
    client, daemon = module.get_bin_path("docker"), module.get_bin_path("dockerd")
    found = {"client": os.path.realpath(client) if client else "", "daemon": daemon or "", "compose": "", "engine": ""}
    if client:
        code, out, _err = module.run_command([client, "compose", "version", "--short"])
        found["compose"] = out.strip().lstrip("v") if code == 0 else ""
    if daemon:
        code, out, _err = module.run_command([daemon, "--version"])
        words = out.replace(",", "").split()
        found["engine"] = words[2] if code == 0 and len(words) > 2 else ""
    return found


def collect(module: AnsibleModule) -> dict[str, Any]:
    """Collect the parts that were asked for."""
    params, root = module.params, Path(module.params["root"])
    host: dict[str, Any] = {}
    if "system" in params["gather"]:
        host.update(
            system=host_system.system(root),
            processor=host_system.processor(root),
            memory=host_system.memory(root),
            control_groups=host_system.control_groups(root),
            systemd=host_system.is_systemd(root),
            graphics=host_system.graphics(root),
            secure_boot=host_system.secure_boot(root),
            clock=host_clock.describe(params["control_time"]),
        )
    if "disks" in params["gather"]:
        host["disks"] = [host_disks.describe(path, root) for path in params["paths"]]
    if "network" in params["gather"]:
        host.update(
            listeners=host_network.listeners(root, params["ports"]),
            routes=host_network.routes(root),
            names={name: host_network.resolve(name) for name in params["resolve"]},
        )
    if "internet" in params["gather"]:
        host["internet"] = host_network.ask_all(params["urls"], params["timeout"], params["ca_certificates"])
        host["ca_bundle"] = (root / "etc/ssl/certs/ca-certificates.crt").exists()
    if "docker" in params["gather"]:
        host["docker"] = {**docker_socket.describe(params["docker_socket"]), **programs(module)}
    if "packages" in params["gather"]:
        host["packages"] = host_system.packages(root, params["packages"])
    return host


def main() -> None:
    """Read the arguments, look, answer."""
    parts = ["system", "disks", "network", "internet", "docker", "packages"]
    module = AnsibleModule(
        argument_spec={
            "gather": {"type": "list", "elements": "str", "choices": parts, "default": parts},
            "paths": {"type": "list", "elements": "path", "default": []},
            "ports": {"type": "list", "elements": "int", "default": []},
            "urls": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 6},
            "ca_certificates": {"type": "str", "default": ""},
            "resolve": {"type": "list", "elements": "str", "default": []},
            "control_time": {"type": "float", "default": 0},
            "docker_socket": {"type": "path", "default": "/var/run/docker.sock"},
            "packages": {"type": "list", "elements": "str", "default": []},
            "root": {"type": "path", "default": "/"},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, host=collect(module))


if __name__ == "__main__":
    main()
