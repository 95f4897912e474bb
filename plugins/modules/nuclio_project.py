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
  register: project
"""

RETURN = r"""
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


def main() -> None:
    """Read the arguments, look, create if needed, answer."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "default": "cvat"},
            "namespace": {"type": "str", "default": "nuclio"},
            "nuctl": {"type": "path", "default": "/usr/local/bin/nuctl"},
        },
        supports_check_mode=True,
    )
    name, namespace = module.params["name"], module.params["namespace"]
    nuctl = nuclio_cli.Nuctl(module.params["nuctl"], namespace)
    try:
        if module.check_mode:
            docker = nuclio_cli.Docker()
            missing = not docker.stored("projects", namespace, name)
            functions = docker.stored("functions", namespace)
        else:
            missing = not nuctl.get("project", name)
            if missing:
                answer = nuctl("create", "project", name)
                if answer.rc != 0:
                    raise nuclio_cli.NuclioError(
                        f"nuctl cannot create the project {name}:\n{nuclio_cli.last_lines(answer.text)}"
                    )
            functions = nuctl.get("function")
    except nuclio_cli.NuclioError as error:
        module.fail_json(msg=f"{error}\nDoes Docker run, and can the host reach the registry or its mirror?")
    inside = [
        summary(function)
        for function in functions
        if ((function.get("metadata") or {}).get("labels") or {}).get(nuclio_cli.PROJECT_LABEL) == name
    ]
    module.exit_json(changed=missing, functions=sorted(inside, key=lambda function: function["name"]))


if __name__ == "__main__":
    main()
