#!/usr/bin/python
"""Ansible module: containers, networks, volumes and images of this project, taken away."""

from __future__ import annotations

DOCUMENTATION = r"""
module: own_docker_objects
short_description: Remove what this project made in Docker
version_added: 0.3.0
description:
  - Removes the containers, the network and the images of CVAT and of its functions, and their volumes if asked to.
  - Goes by labels, by CVAT's Compose project, and by the record of what was there before. What is not certainly ours is
    never touched, only named.
  - Speaks to Docker's socket. Needs neither the Docker client nor a library.
options:
  project:
    description: CVAT's Compose project.
    type: str
    default: cvat
  data:
    description: Whether the project's volumes go, too.
    type: bool
    default: false
  record:
    description: File that says what the host was like before.
    type: path
    default: /var/lib/annotation-server/before/host.json
  trees:
    description: Folders whose files name images that were pulled for this project.
    type: list
    elements: path
    default: []
  extra_images:
    description: Further images that were pulled for it.
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
    description: Says what would go.
  diff_mode:
    support: full
    description: Lists what goes.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: See what would go
  annotation.server.own_docker_objects:
  check_mode: true
  register: objects
"""

RETURN = r"""
docker:
  description: Whether there is a Docker at all.
  type: bool
  returned: success
goes:
  description: What is removed, each with its kind before its name.
  type: list
  elements: str
  returned: success
kept:
  description: What is ours and stays, each with the reason.
  type: dict
  returned: success
foreign:
  description: What is not ours.
  type: list
  elements: str
  returned: success
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import docker_socket, host_record, own_docker_objects


def look(socket: str) -> dict[str, list[dict[str, Any]]]:
    """List everything that the engine has."""
    return {
        "containers": docker_socket.get(socket, "/containers/json?all=1"),
        "volumes": docker_socket.get(socket, "/volumes").get("Volumes") or [],
        "networks": docker_socket.get(socket, "/networks"),
        "images": docker_socket.get(socket, "/images/json"),
    }


def remove_images(socket: str, images: dict[str, str]) -> list[str]:
    """Remove images; one that others stand on goes after them. Return what could not be removed, and why."""
    left = dict(images)
    refused: dict[str, str] = {}
    while left:
        refused = {}
        for identifier, title in left.items():
            try:
                docker_socket.delete(socket, f"/images/{identifier}?force=1")
            except docker_socket.EngineUnreachableError as error:
                refused[identifier] = f"{title}: {error}"
        if len(refused) == len(left):
            break
        left = {identifier: left[identifier] for identifier in refused}
    return list(refused.values())


def main() -> None:
    """Look, decide, remove, answer."""
    module = AnsibleModule(
        argument_spec={
            "project": {"type": "str", "default": "cvat"},
            "data": {"type": "bool", "default": False},
            "record": {"type": "path", "default": host_record.PATH},
            "trees": {"type": "list", "elements": "path", "default": []},
            "extra_images": {"type": "list", "elements": "str", "default": []},
            "docker_socket": {"type": "path", "default": "/var/run/docker.sock"},
        },
        supports_check_mode=True,
    )
    params, socket = module.params, module.params["docker_socket"]
    try:
        record = host_record.known(Path(params["record"]), Path("/"), socket)
        known = own_docker_objects.named_images([Path(each) for each in params["trees"] if Path(each).is_dir()])
        plan = own_docker_objects.plan(
            look(socket), params["project"], params["data"], record.get("images"), known | set(params["extra_images"])
        )
        if not module.check_mode:
            for title in plan.containers:
                docker_socket.delete(socket, f"/containers/{quote(title)}?force=1&v=1")
            for title in plan.networks:
                docker_socket.delete(socket, f"/networks/{quote(title)}")
            for title in plan.volumes:
                docker_socket.delete(socket, f"/volumes/{quote(title)}")
            refused = remove_images(socket, plan.images)
            if refused:
                module.fail_json(
                    msg=f"Docker does not remove these images: {'; '.join(refused)}. Run again once they are free."
                )
    except ValueError as error:
        module.fail_json(msg=str(error))
    except docker_socket.EngineUnreachableError as error:
        if not module.get_bin_path("dockerd"):
            # A socket may outlive its engine.
            module.exit_json(changed=False, docker=False, goes=[], kept={}, foreign=[])
        module.fail_json(
            msg=f"Docker is installed, but does not do what it is asked: {error}. Without it nobody can see what is "
            "ours. Start it (systemctl start docker) and run again."
        )
    goes = [f"container {each}" for each in plan.containers] + [f"network {each}" for each in plan.networks]
    goes += [f"volume {each}" for each in sorted(plan.volumes)] + [
        f"image {each}" for each in sorted(plan.images.values())
    ]
    diff = {
        "before": "".join(f"{each}\n" for each in goes),
        "after": "",
        "before_header": "Docker",
        "after_header": "Docker",
    }
    module.exit_json(
        changed=bool(goes), docker=True, goes=goes, kept=plan.kept, foreign=sorted(plan.foreign), diff=diff
    )


if __name__ == "__main__":
    main()
