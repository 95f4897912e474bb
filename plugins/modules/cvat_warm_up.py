#!/usr/bin/python
"""Ansible module: the pictures of a task embedded before the first click."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cvat_warm_up
short_description: Embed the pictures of a CVAT task before annotators click
version_added: 0.1.0
description:
  - Sends frames of a task to an interactor through CVAT's own API, each with one point in its middle, as the user
    interface does, so that the function keeps their embeddings.
  - In check mode it only looks, and says what would be needed.
options:
  task:
    description: Number of the task in CVAT.
    type: int
    required: true
  function:
    description: Id of the interactor.
    type: str
    default: sam2
  frames:
    description: First and last frame, for example C(0-99), or one number. Empty is all.
    type: str
    default: ""
  batch:
    description: Frames in each of the returned RV(batches).
    type: int
    default: 20
  mib_per_frame:
    description: Size of one embedding in MiB.
    type: int
    default: 16
  environment:
    description: The function's settings; C(CACHE_DIR), C(CACHE_DIR_MIB) and C(CACHE_MIB) say how much it keeps.
    type: dict
    default: {}
  url:
    description: Address of CVAT as this server reaches it.
    type: str
    default: http://127.0.0.1:8080
  ca_path:
    description: File with the authority's certificate for https. Empty uses the system's authorities.
    type: path
  host:
    description: Name under which CVAT answers, sent as the Host header.
    type: str
    default: localhost
  username:
    description: A user who sees the task.
    type: str
    default: admin
  password_file:
    description: File with that user's password.
    type: path
    required: true
attributes:
  check_mode:
    description: Only looks.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author: The annotation.server authors
"""

EXAMPLES = r"""
- name: Embed the first hundred frames of task 12
  annotation.server.cvat_warm_up:
    task: 12
    frames: 0-99
    password_file: /etc/annotation-server/secrets/cvat_superuser_password
"""

RETURN = r"""
count:
  description: Frames that this is about.
  type: int
  returned: success
summary:
  description: How much room their embeddings need, and how much the function has.
  type: str
  returned: success
fits:
  description: Whether the function keeps them all; true when that is not known.
  type: bool
  returned: success
cure:
  description: What to do when they do not fit.
  type: str
  returned: success
batches:
  description: Ranges of frames, and how many frames come before each.
  type: list
  elements: dict
  returned: success
seconds:
  description: How long it took altogether; 0 in check mode.
  type: float
  returned: success
slowest:
  description: How long the slowest frame took.
  type: float
  returned: success
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import warm_up
from ansible_collections.annotation.server.plugins.module_utils.cvat_api import CvatClient, CvatError

# A large model on a CPU takes half a minute for one picture.
TIMEOUT = 180


def main() -> None:
    """Look at the task, and embed its frames."""
    module = AnsibleModule(
        argument_spec={
            "task": {"type": "int", "required": True},
            "function": {"type": "str", "default": "sam2"},
            "frames": {"type": "str", "default": ""},
            "batch": {"type": "int", "default": 20},
            "mib_per_frame": {"type": "int", "default": 16},
            "environment": {"type": "dict", "default": {}},
            "url": {"type": "str", "default": "http://127.0.0.1:8080"},
            "ca_path": {"type": "path"},
            "host": {"type": "str", "default": "localhost"},
            "username": {"type": "str", "default": "admin"},
            "password_file": {"type": "path", "required": True, "no_log": False},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        password = Path(given["password_file"]).read_text(encoding="utf-8").strip()
    except OSError as error:
        module.fail_json(
            msg=f"{given['password_file']} cannot be read ({error.strerror}). Run site.yml with --tags cvat first."
        )
    module.no_log_values.add(password)
    client = CvatClient(
        given["url"],
        given["host"],
        given["username"],
        password,
        timeout=TIMEOUT,
        ca_path=given["ca_path"] or None,
    )
    try:
        frames = warm_up.frames_of(client, given["task"], given["frames"])
        room = warm_up.room_for(len(frames), given["mib_per_frame"], given["environment"])
        times = [] if module.check_mode else list(warm_up.embed(client, given["function"], given["task"], frames))
    except (warm_up.WarmUpError, CvatError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        # The function remembers; nothing on the server is another than before.
        changed=False,
        count=len(frames),
        summary=room.summary,
        fits=room.fits,
        cure=room.cure,
        batches=warm_up.batches(frames, max(1, given["batch"])),
        seconds=round(sum(times), 1),
        slowest=round(max(times, default=0.0), 1),
    )


if __name__ == "__main__":
    main()
