#!/usr/bin/python
"""Ansible module: models that lost the server's cards get them back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gpu_containers
short_description: Start models anew that lost the server's GPUs
version_added: 0.1.0
description:
  - Asks C(nvidia-smi) in every running model that was started with GPUs. Where it finds none any more, for example
    after C(systemctl daemon-reload), the container is started anew, which gives them back.
  - Other containers are never touched.
attributes:
  check_mode:
    support: full
    description: Nothing is started anew.
  diff_mode:
    support: full
    description: Shows which models have their GPUs and which lost them.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Give models back the cards that they lost
  annotation.server.gpu_containers:
"""

RETURN = r"""
lost:
  description: Containers that had lost their GPUs, and what nvidia-smi said in them.
  type: dict
  returned: always
  sample: {nuclio-nuclio-sam2: "Failed to initialize NVML: Unknown Error"}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import gpu_containers


def main() -> None:
    """Look, start anew, look again."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    containers = gpu_containers.with_cards(module.run_command)
    lost = gpu_containers.without(module.run_command, containers)
    if lost and not module.check_mode:
        status, _out, err = module.run_command(["docker", "restart", *lost])
        still = gpu_containers.without(module.run_command, list(lost)) if status == 0 else lost
        if still:
            names = ", ".join(f"{name} ({said})" for name, said in still.items())
            module.fail_json(
                msg=f"These models have no GPU, also after a new start: {names}. {err.strip()} "
                "Look whether nvidia-smi works on the server; if not, run the stage gpu: --tags gpu.",
                lost=lost,
            )
    before = {name: "lost its GPUs" if name in lost else "has its GPUs" for name in containers}
    after = dict.fromkeys(containers, "has its GPUs")
    module.exit_json(changed=bool(lost), lost=lost, diff={"before": before, "after": after} if lost else {})


if __name__ == "__main__":
    main()
