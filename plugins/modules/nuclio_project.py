#!/usr/bin/python
"""Ansible module: one Nuclio project on the local (Docker) platform."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nuclio_project
short_description: Create a Nuclio project, and list its functions
version_added: 0.1.0
description:
  - Creates a project when it is not there. C(nuctl create project) alone always says it created one.
  - Never removes a project, because its functions would go with it.
  - nuctl starts containers of two images whose names are built into it. They can be brought from elsewhere first.
options:
  name:
    description: The project's name. CVAT sees only functions of the project V(cvat).
    type: str
    default: cvat
  namespace:
    description: Nuclio's namespace.
    type: str
    default: nuclio
  nuctl:
    description: Path of nuctl.
    type: path
    default: /usr/local/bin/nuctl
  helper_images:
    description: Images that must be there under a name. Those that are missing are pulled and given that name.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name that nuctl looks for.
        type: str
        required: true
      source:
        description: Where the image is pulled from. By default O(image_prefix) and the name.
        type: str
  image_prefix:
    description: Address of a mirror, put before the names of images.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: nuctl is not called; the files of Nuclio's store are read instead. Works on a bare host.
  diff_mode:
    support: none
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Create the project that CVAT looks into
  annotation.server.nuclio_project:
    name: cvat
    helper_images:
      - name: gcr.io/iguazio/alpine:3.20
        source: mirror.example:5000/alpine:3.20
  register: project
"""

RETURN = r"""
pulled:
  description: Names of the helper images that were missing.
  type: list
  elements: str
  returned: success
functions:
  description: The project's functions.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The function's name.
      type: str
    state:
      description: What Nuclio says about it.
      type: str
    managed:
      description: Whether M(annotation.server.nuclio_function) deployed it.
      type: bool
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import nuclio_cli, nuclio_inputs


def summary(function: dict[str, Any]) -> dict[str, Any]:
    """Reduce what nuctl says about a function to what a playbook needs."""
    metadata = function.get("metadata") or {}
    return {
        "name": metadata.get("name", ""),
        "state": (function.get("status") or {}).get("state", "unknown"),
        "managed": nuclio_inputs.HASH_ANNOTATION in (metadata.get("annotations") or {}),
    }


def bring_images(docker: nuclio_cli.Docker, images: list[dict[str, Any]], prefix: str, check_mode: bool) -> list[str]:
    """Pull the images that are missing, and return their names.

    Raises:
        NuclioError: an image cannot be pulled.
    """
    missing = [image for image in images if not docker.image_id(image["name"])]
    for image in [] if check_mode else missing:
        source = image["source"] or prefix + image["name"]
        answer = docker("pull", source, timeout=900)
        if answer.rc == 0 and source != image["name"]:
            answer = docker("tag", source, image["name"])
        if answer.rc != 0:
            raise nuclio_cli.NuclioError(
                f"nuctl needs the image {image['name']}, and {source} cannot be pulled:\n"
                f"{nuclio_cli.last_lines(answer.text, 5)}\nName another source for it, or load it with docker load."
            )
    return [image["name"] for image in missing]


def main() -> None:
    """Read the arguments, look, create if needed, answer."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "default": "cvat"},
            "namespace": {"type": "str", "default": "nuclio"},
            "nuctl": {"type": "path", "default": "/usr/local/bin/nuctl"},
            "helper_images": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"name": {"type": "str", "required": True}, "source": {"type": "str"}},
            },
            "image_prefix": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    name, namespace = module.params["name"], module.params["namespace"]
    nuctl = nuclio_cli.Nuctl(module.params["nuctl"], namespace)
    docker = nuclio_cli.Docker()
    try:
        pulled = bring_images(docker, module.params["helper_images"], module.params["image_prefix"], module.check_mode)
        if module.check_mode:
            missing = not docker.stored("projects", namespace, name)
            functions = docker.stored("functions", namespace)
        else:
            functions = nuctl.get("function")
            # A function of the project proves that the project is there: one call less.
            missing = not any(nuclio_cli.in_project(function, name) for function in functions) and not nuctl.get(
                "project", name
            )
            if missing:
                answer = nuctl("create", "project", name)
                if answer.rc != 0:
                    raise nuclio_cli.NuclioError(
                        f"nuctl cannot create the project {name}:\n{nuclio_cli.last_lines(answer.text)}"
                    )
    except nuclio_cli.NuclioError as error:
        module.fail_json(msg=str(error))
    inside = [summary(function) for function in functions if nuclio_cli.in_project(function, name)]
    module.exit_json(
        changed=missing or bool(pulled), pulled=pulled, functions=sorted(inside, key=lambda function: function["name"])
    )


if __name__ == "__main__":
    main()
