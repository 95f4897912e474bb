#!/usr/bin/python
"""Ansible module: one Nuclio function on the local (Docker) platform."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nuclio_function
short_description: Deploy a Nuclio function when it must be, or remove it
version_added: 0.1.0
description:
  - Builds and starts a function only when its files, its configuration, nuctl's version or its base image differ from
    those it was deployed with, or when it is not ready. The hash of all four is kept as an annotation.
  - The new image is built while the function goes on serving, under a name that holds the hash, so that what is built
    once is not built again. Then it is started beside the function and asked (O(trial)). Only when it answers,
    C(nuctl deploy --run-image) puts it in the function's place, which costs the time for loading the model.
  - Makes the address that the container got its own, because Nuclio's dashboard goes on calling it there after a
    reboot, when Docker would have given it another one.
  - Clears a deploy away that was killed half-way. Starts a stopped container instead of building it again.
  - A version that does not build, or does not answer when it is tried, is never put in the function's place. When it
    fails there all the same, the version that served before is started again.
options:
  name:
    description: The function's name in Nuclio, which is also its id in CVAT.
    type: str
    required: true
  state:
    description: Whether the function should be there.
    type: str
    choices: [present, absent]
    default: present
  project:
    description: Nuclio project. CVAT sees only functions of the project V(cvat).
    type: str
    default: cvat
  namespace:
    description: Nuclio's namespace; part of the container's name.
    type: str
    default: nuclio
  nuctl:
    description: Path of nuctl. Its version must be the dashboard's.
    type: path
    default: /usr/local/bin/nuctl
  context:
    description: Folder on the host with the function's files. Needed for O(state=present).
    type: path
  files:
    description:
      - What the folder holds, as M(annotation.server.build_context) returns it. Without it the folder is read. In check
        mode this is what it would hold.
    type: dict
  config:
    description: Configuration (C(metadata) and C(spec)), as in a function.yaml. Needed for O(state=present).
    type: dict
  builds:
    description:
      - Images that are built before the function, in this order, when something in their folder or an image below them
        changed. CVAT makes the base images of some of its functions like this.
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
  image_prefix:
    description: Put before the names of the images that O(builds) start from, for example V(mirror.example:5000/).
    type: str
    default: ""
  force:
    description: Build and deploy although nothing differs.
    type: bool
    default: false
  pull:
    description: Ask the registry for a newer base image first. A base image that is not there is always pulled.
    type: bool
    default: false
  image:
    description:
      - An image with this content that was built already, as M(annotation.server.nuclio_builds) returns it. Without it
        the image is built here unless there is one.
    type: str
  trial:
    description:
      - Start the new version beside a function that serves, and put it in its place only if it answers. For that time
        two copies of the model are in memory. Without it, that a version does not start is noticed only in the
        function's place.
    type: bool
    default: true
  old_images:
    description: How many earlier images of the function are kept, so that going back needs no build.
    type: int
    default: 1
  timeout:
    description: Longest time for building, in seconds.
    type: int
    default: 3600
  readiness_timeout:
    description: Longest time for starting, in seconds.
    type: int
    default: 300
  log:
    description: File on the host into which the build's output is written while it runs.
    type: path
attributes:
  check_mode:
    support: full
    description:
      - nuctl is not called, because its C(get) creates a project, a volume and a container. The state is read from the
        files of Nuclio's store instead. Works where neither nuctl nor Docker are installed yet.
  diff_mode:
    support: full
    description: Shows which inputs differ.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Deploy the interactor
  annotation.server.nuclio_function:
    name: sam2
    context: /opt/annotation-server/functions/sam2
    config: "{{ lookup('ansible.builtin.file', 'function.yaml') | from_yaml }}"
    nuctl: /opt/annotation-server/bin/nuctl

- name: Remove a function
  annotation.server.nuclio_function:
    name: old-model
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode.
  type: str
  returned: success
  sample: deployed
reasons:
  description: Why.
  type: list
  elements: str
  returned: success
container:
  description: Name of the function's container.
  type: str
  returned: success
hash:
  description: Hash of the inputs.
  type: str
  returned: when O(state=present)
seconds:
  description: How long everything took.
  type: float
  returned: success
steps:
  description:
    - Seconds of each step that was needed (C(building), C(trying), C(switching)), and C(loading), what of the last one
      was the new version loading its model. The function does not answer during part of C(switching).
  type: dict
  returned: when O(state=present)
  sample: {building: 312.4, trying: 9.1, switching: 7.0, loading: 5.2}
removed_images:
  description: Earlier images of the function that were removed.
  type: list
  elements: str
  returned: when it was deployed
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import (
    nuclio_build,
    nuclio_cli,
    nuclio_info,
    nuclio_inputs,
    nuclio_plan,
)
from ansible_collections.annotation.server.plugins.module_utils.nuclio_cli import NuclioError
from ansible_collections.annotation.server.plugins.module_utils.nuclio_deployment import Function, State
from ansible_collections.annotation.server.plugins.module_utils.nuclio_trial import Trial


def shown(before: State, wanted: dict[str, Any], reasons: list[str]) -> dict[str, str]:
    """Return what ``--diff`` shows."""
    name_of = "content-hash"
    lines = [f"state: {before.state}", f"{name_of}: {before.hash or 'none'}"]
    after = [
        "state: ready",
        f"{name_of}: {nuclio_inputs.content_hash(wanted)}",
        *(f"# because {reason}" for reason in reasons),
    ]
    return {
        "before_header": "deployed function",
        "after_header": "wanted function",
        "before": "\n".join(lines) + "\n",
        "after": "\n".join(after) + "\n",
    }


def wait_for_others(name: str, timeout: float) -> None:
    """Wait for a deploy of this function that somebody else, or a run whose connection was lost, has under way."""
    end = time.monotonic() + timeout
    while others := nuclio_cli.deploys_under_way(name):
        if time.monotonic() > end:
            raise NuclioError(
                f"nuctl still deploys {name} (process {', '.join(map(str, others))}). "
                f"Wait until it ends and run again, or end it: kill {others[0]}"
            )
        time.sleep(2)


def steps(
    function: Function, params: dict[str, Any], wanted: dict[str, Any], before: State, took: dict[str, float]
) -> None:
    """Build, try and switch; ``took`` is told the seconds of each step.

    Raises:
        NuclioError: a step failed. Whether the old version still serves depends on the step.
    """
    image = params["image"] or nuclio_build.image_name(function.name, nuclio_inputs.content_hash(wanted))
    if params["image"] is None and (params["force"] or not function.docker.image_id(image)):
        with timed(took, "building"):
            log = Path(params["log"]) if params["log"] else None
            nuclio_build.build(
                function.nuctl, function.name, image, params["context"], params["config"], params["timeout"], log
            )
    if params["trial"] and before.running:
        with timed(took, "trying"):
            Trial(function).run(image, params["config"], params["readiness_timeout"])
    metadata = dict(params["config"].get("metadata") or {})
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **nuclio_inputs.to_annotations(wanted)}
    with timed(took, "switching"):
        function.clear()
        loading = function.start(image, {**params["config"], "metadata": metadata}, params["readiness_timeout"])
    took["loading"] = loading


@contextlib.contextmanager
def timed(took: dict[str, float], step: str) -> Iterator[None]:
    """Note how long a step takes; it is noted when it begins, so that a failure knows where it happened."""
    started, took[step] = time.monotonic(), 0.0
    yield
    took[step] = round(time.monotonic() - started, 1)


def deploy(
    function: Function, params: dict[str, Any], wanted: dict[str, Any], before: State
) -> tuple[dict[str, float], list[str]]:
    """Replace what serves; when that fails, see to it that the version that served before serves.

    Returns:
        The seconds that each step took, and the names of old images that were removed.

    Raises:
        NuclioError: which step failed, with the last lines of its output, and what serves now.
    """
    had_served = before.running and before.container is not None
    previous = function.keep_image(before.container) if had_served else ""
    took: dict[str, float] = {}
    try:
        steps(function, params, wanted, before, took)
    except NuclioError as error:
        if not had_served:
            end = "It did not serve before and does not now."
        elif "switching" not in took:
            end = "The version that served before was not touched and goes on serving."
        elif previous and function.restore(before, previous, params["readiness_timeout"]):
            end = "The version that served before serves again."
        else:
            now = function.read()
            end = f"The version that served before could not be started again: the function is {now.in_words()}."
        message = f"it failed while {list(took)[-1]}. {end}\n{error}"
        nuclio_info.remember_error(params["log"], message)
        where = f" The whole output is in {params['log']}." if params["log"] and list(took) == ["building"] else ""
        if list(took)[-1] == "trying":
            where = " Where there is no room for two copies of the model, set trial: false for this function."
        raise NuclioError(
            f"The function {params['name']} could not be deployed: {message}\n"
            f"Correct what the last lines complain about and run again.{where}"
        ) from error
    finally:
        function.forget_image(previous)
    nuclio_info.remember_error(params["log"], "")
    return took, nuclio_build.forget_old(function.docker, function.name, 1 + params["old_images"])


def ensure_present(module: AnsibleModule, function: Function) -> dict[str, Any]:
    """Deploy the function if it must be."""
    params = module.params
    pure = module.check_mode
    wanted = nuclio_plan.read_inputs(params, function.nuctl, function.docker, pure)
    if not pure:
        wait_for_others(params["name"], params["timeout"])
        Trial(function).sweep()
    before = function.read(pure)
    same = before.exists and before.hash == nuclio_inputs.content_hash(wanted)
    result: dict[str, Any] = {"hash": nuclio_inputs.content_hash(wanted), "seconds": 0.0, "steps": {}}
    if same and not before.ready and not pure and not params["force"] and before.state in ("ready", "unhealthy"):
        started = time.monotonic()
        before = function.settle(params["readiness_timeout"])
        if before.ready:
            took = round(time.monotonic() - started, 1)
            return {**result, "changed": True, "action": "started", "reasons": ["it was not ready"], "seconds": took}
    reasons = nuclio_plan.why_deploy(before, wanted, params["force"])
    if not reasons and not before.holds_address(function.network):
        try:
            if not pure:
                function.hold_address()
            return {**result, "changed": True, "action": "readdressed", "reasons": ["its address was not its own"]}
        except NuclioError:
            reasons = ["another container has its address"]
    if not reasons:
        return {**result, "changed": False, "action": "none", "reasons": []}
    result.update(
        changed=True,
        action="redeployed" if before.exists else "deployed",
        reasons=reasons,
        diff=shown(before, wanted, reasons),
    )
    if not pure:
        started = time.monotonic()
        result["steps"], result["removed_images"] = deploy(function, params, wanted, before)
        result["seconds"] = round(time.monotonic() - started, 1)
    return result


def ensure_absent(module: AnsibleModule, function: Function) -> dict[str, Any]:
    """Remove the function if it is there."""
    before = function.read(pure=module.check_mode)
    if not before.exists:
        return {"changed": False, "action": "none", "reasons": []}
    if not module.check_mode:
        Trial(function).sweep()
        function.delete(force=before.state in nuclio_cli.PROVISIONING)
        nuclio_info.remember_error(module.params["log"], "")
        nuclio_build.forget_old(function.docker, function.name, keep=0)
    return {
        "changed": True,
        "action": "removed",
        "reasons": ["it should not be there"],
        "diff": {"before": f"state: {before.state}\n", "after": "state: absent\n"},
    }


def main() -> None:
    """Read the arguments, decide, do, answer."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "project": {"type": "str", "default": "cvat"},
            "namespace": {"type": "str", "default": "nuclio"},
            "nuctl": {"type": "path", "default": "/usr/local/bin/nuctl"},
            "context": {"type": "path"},
            "files": {"type": "dict"},
            "config": {"type": "dict"},
            "builds": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"name": {"type": "str", "required": True}, "path": {"type": "path", "required": True}},
            },
            "image_prefix": {"type": "str", "default": ""},
            "force": {"type": "bool", "default": False},
            "pull": {"type": "bool", "default": False},
            "image": {"type": "str"},
            "trial": {"type": "bool", "default": True},
            "old_images": {"type": "int", "default": 1},
            "timeout": {"type": "int", "default": 3600},
            "readiness_timeout": {"type": "int", "default": 300},
            "log": {"type": "path"},
        },
        required_if=[("state", "present", ("context", "config"))],
        supports_check_mode=True,
    )
    params = module.params
    platform = ((params["config"] or {}).get("spec") or {}).get("platform") or {}
    function = Function(
        params["name"],
        params["project"],
        nuclio_cli.Nuctl(params["nuctl"], params["namespace"]),
        nuclio_cli.Docker(),
        (platform.get("attributes") or {}).get("network") or "",
    )
    ensure = ensure_present if params["state"] == "present" else ensure_absent
    try:
        if module.check_mode:
            result = ensure(module, function)
        else:
            # Two runs at once would each find the other's deploy "half-way" and remove it.
            with nuclio_cli.alone(params["name"]):
                result = ensure(module, function)
    except NuclioError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"Cannot read or write {error.filename}: {error.strerror}.")
    module.exit_json(**result, container=function.container_name)


if __name__ == "__main__":
    main()
