#!/usr/bin/python
"""Ansible module: the images of a list of Nuclio functions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nuclio_builds
short_description: Build the images of the Nuclio functions that changed, several at a time
version_added: 0.2.0
description:
  - Says which functions of a list must be deployed, with one look at all of them, and builds the images that are
    missing. What serves is not touched; M(annotation.server.nuclio_function) does that, one function after the other.
  - A function whose image cannot be built does not stop the others. It is returned with its error.
  - While it builds, the run shows every now and then how far each image is.
options:
  functions:
    description: The functions, each with what M(annotation.server.nuclio_function) takes too.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The function's name in Nuclio.
        type: str
        required: true
      context:
        description: Folder on the host with its files.
        type: path
        required: true
      files:
        description: What the folder holds. Without it the folder is read.
        type: dict
      config:
        description: Its configuration.
        type: dict
        required: true
      builds:
        description: Images that are built before it.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name of the image.
            type: str
            required: true
          path:
            description: Folder on the host with its Dockerfile.
            type: path
            required: true
  jobs:
    description: How many images are built at the same time.
    type: int
    default: 2
  interval:
    description: Seconds between two messages of a run about the same build. 0 shows none.
    type: int
    default: 30
  namespace:
    description: Nuclio's namespace.
    type: str
    default: nuclio
  nuctl:
    description: Path of nuctl.
    type: path
    default: /usr/local/bin/nuctl
  image_prefix:
    description: Put before the names of the images that O(functions[].builds) start from.
    type: str
    default: ""
  force:
    description: Build although nothing differs.
    type: bool
    default: false
  pull:
    description: Ask the registry for newer base images first.
    type: bool
    default: false
  timeout:
    description: Longest time for one image, in seconds.
    type: int
    default: 3600
  logs:
    description: Folder on the host for the output of each build.
    type: path
  wait:
    description:
      - Whether to wait until the images are there. With V(false) they are built while the play goes on; a later call
        with the same functions waits for them and takes them.
    type: bool
    default: true
  phase:
    description: Set by the action plugin, which looks first and builds in the background.
    type: str
    choices: [look, build, both]
    default: both
  progress:
    description: Set by the action plugin.
    type: path
attributes:
  check_mode:
    support: full
    description: Says what would be built. nuctl's C(get) is not called, because it changes things.
  diff_mode:
    support: none
    description: M(annotation.server.nuclio_function) shows what differs.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Build what changed
  annotation.server.nuclio_builds:
    functions:
      - name: sam2
        context: /opt/annotation-server/functions/sam2
        config: "{{ lookup('ansible.builtin.file', 'function.yaml') | from_yaml }}"
    jobs: 2
  register: built
"""

RETURN = r"""
functions:
  description: What is known about each function.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Its name.
      type: str
    needed:
      description: Whether M(annotation.server.nuclio_function) has something to do.
      type: bool
    reasons:
      description: Why.
      type: list
      elements: str
    build:
      description: Whether its image had to be built, or must be (check mode).
      type: bool
    image:
      description: Its image with the wanted content, if there is one.
      type: str
    seconds:
      description: How long it was built.
      type: float
    error:
      description: Why it could not be built.
      type: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import nuclio_builds, nuclio_cli

_SHARED = ("image_prefix", "force", "pull", "timeout")


def wish(function: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """Return a function with the options that count for all."""
    log = str(Path(params["logs"], f"{function['name']}.log")) if params["logs"] else None
    return {**function, **{name: params[name] for name in _SHARED}, "log": log}


def main() -> None:
    """Look, build if that is asked for, answer."""
    text, folder = {"type": "str", "required": True}, {"type": "path", "required": True}
    module = AnsibleModule(
        argument_spec={
            "functions": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": text,
                    "context": folder,
                    "files": {"type": "dict"},
                    "config": {"type": "dict", "required": True},
                    "builds": {
                        "type": "list",
                        "elements": "dict",
                        "default": [],
                        "options": {"name": text, "path": folder},
                    },
                },
            },
            "jobs": {"type": "int", "default": 2},
            "interval": {"type": "int", "default": 30},
            "namespace": {"type": "str", "default": "nuclio"},
            "nuctl": {"type": "path", "default": "/usr/local/bin/nuctl"},
            "image_prefix": {"type": "str", "default": ""},
            "force": {"type": "bool", "default": False},
            "pull": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 3600},
            "logs": {"type": "path"},
            "wait": {"type": "bool", "default": True},
            "phase": {"type": "str", "choices": ["look", "build", "both"], "default": "both"},
            "progress": {"type": "path"},
        },
        supports_check_mode=True,
    )
    params = module.params
    nuctl, docker = nuclio_cli.Nuctl(params["nuctl"], params["namespace"]), nuclio_cli.Docker()
    wishes = [wish(function, params) for function in params["functions"]]
    try:
        outcomes = nuclio_builds.look(wishes, nuctl, docker, pure=module.check_mode)
        todo = [outcome.name for outcome in outcomes if outcome.build]
        if params["phase"] != "look" and not module.check_mode and todo:
            if params["logs"]:
                Path(params["logs"]).mkdir(mode=0o755, parents=True, exist_ok=True)
            progress = Path(params["progress"]) if params["progress"] else None
            builds = nuclio_builds.Builds(nuctl, docker, params["jobs"], progress)
            built = {outcome.name: outcome for outcome in builds.run([w for w in wishes if w["name"] in todo])}
            outcomes = [built.get(outcome.name, outcome).because(outcome.reasons) for outcome in outcomes]
    except nuclio_cli.NuclioError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"Cannot read or write {error.filename}: {error.strerror}.")
    module.exit_json(changed=bool(todo), functions=[outcome.answer for outcome in outcomes])


if __name__ == "__main__":
    main()
