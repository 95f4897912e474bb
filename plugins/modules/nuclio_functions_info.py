#!/usr/bin/python
"""Ansible module: what is known about the deployed Nuclio functions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nuclio_functions_info
short_description: Tell state, device, image and last error of the deployed Nuclio functions
version_added: 0.2.0
description:
  - Reads the files of Nuclio's store and asks Docker. Changes nothing, and needs no nuctl.
options:
  project:
    description: Nuclio project.
    type: str
    default: cvat
  namespace:
    description: Nuclio's namespace.
    type: str
    default: nuclio
  logs:
    description: Folder on the host in which the errors of failed deploys are kept.
    type: path
attributes:
  check_mode:
    support: full
    description: Changes nothing in any mode.
  diff_mode:
    support: none
    description: Changes nothing.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Look at the functions
  annotation.server.nuclio_functions_info:
  register: there_are
"""

RETURN = r"""
functions:
  description: The functions of the project, by name.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Its name in Nuclio, and its id in CVAT.
      type: str
    title:
      description: The name that CVAT shows.
      type: str
    state:
      description: What Nuclio says, or what Docker says of its container when the two differ.
      type: str
    version:
      description: The first letters of the hash of all that it was made of; empty when another tool deployed it.
      type: str
    device:
      description: C(gpu) or C(cpu).
      type: str
    image:
      description: Name of the image that runs.
      type: str
    image_bytes:
      description: Size of the image. Layers that it shares with others count in full.
      type: int
    age_seconds:
      description: How long ago it was deployed.
      type: int
    restarts:
      description: How often Docker had to start it again.
      type: int
    error:
      description: The last error, if what was deployed last did not become ready.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import nuclio_cli, nuclio_info


def main() -> None:
    """Read, answer."""
    module = AnsibleModule(
        argument_spec={
            "project": {"type": "str", "default": "cvat"},
            "namespace": {"type": "str", "default": "nuclio"},
            "logs": {"type": "path"},
        },
        supports_check_mode=True,
    )
    params = module.params
    functions = nuclio_info.functions(nuclio_cli.Docker(), params["project"], params["namespace"], params["logs"])
    module.exit_json(changed=False, functions=functions)


if __name__ == "__main__":
    main()
