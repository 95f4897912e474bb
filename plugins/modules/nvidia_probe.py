#!/usr/bin/python
"""Ansible module: what a host has from NVIDIA. Changes nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nvidia_probe
short_description: Look what a host has from NVIDIA
version_added: 0.1.0
description:
  - Collects devices, the driver's modules in the kernel and on the disk, packages, Secure Boot and CUDA. Judges nothing
    and changes nothing.
options:
  nvcc:
    description:
      - Paths at which CUDA's compiler is looked for; the first one that runs counts. None means the usual places.
    type: list
    elements: path
    default: []
  root:
    description: Folder that holds C(proc), C(sys), C(etc), C(usr) and C(var); another one shows another host.
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
- name: Look for NVIDIA devices
  annotation.server.nvidia_probe:
  register: probe
"""

RETURN = r"""
host:
  description: What was found; missing things are empty.
  type: dict
  returned: success
"""

import re
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import nvidia_host

# Debian's own packages rename the module, and have modprobe find it by its usual name.
NAMES = ("nvidia", "nvidia-current", "nvidia-current-open")
# Keys that dkms and Ubuntu's shim sign modules with.
MOK = ("var/lib/dkms/mok.pub", "var/lib/shim-signed/mok/MOK.der")


def module_on_disk(module: AnsibleModule, root: Path, kernel: str) -> dict[str, str]:
    """Ask modinfo about the driver's module for a kernel."""
    modinfo = module.get_bin_path("modinfo")
    for name in NAMES if modinfo else ():
        found = {}
        for key in ("version", "license", "signer"):
            code, out, _err = module.run_command([modinfo, "-b", str(root), "-k", kernel, "-F", key, name])
            found[key] = out.strip() if code == 0 else ""
        if found["version"]:
            kind = nvidia_host.kind_of_license(found["license"])
            return {"version": found["version"], "kind": kind, "signer": found["signer"]}
    return {"version": "", "kind": "", "signer": ""}


def mok_enrolled(module: AnsibleModule, root: Path) -> bool:
    """Tell whether the firmware knows a key that modules are signed with on this host."""
    mokutil = module.get_bin_path("mokutil")
    for path in (root / each for each in MOK):
        if mokutil and path.exists():
            # The exit code is 1 for a key that is enrolled, in most versions; the words are the same in all.
            _code, out, _err = module.run_command([mokutil, "--test-key", str(path)])
            if "already enrolled" in out:
                return True
    return False


def cuda(module: AnsibleModule, root: Path, paths: list[str]) -> dict[str, str]:
    """Ask CUDA's compiler for its release."""
    for path in paths or [
        *sorted(map(str, root.glob("usr/local/cuda*/bin/nvcc")), reverse=True),
        str(root / "usr/bin/nvcc"),
    ]:
        if Path(path).exists():
            code, out, _err = module.run_command([path, "-V"])
            release = re.search(r"release (\d+\.\d+), V([\d.]+)", out)
            if code == 0 and release:
                return {"nvcc": path, "release": release.group(1), "version": release.group(2)}
    return {"nvcc": "", "release": "", "version": ""}


def main() -> None:
    """Look and answer."""
    module = AnsibleModule(
        argument_spec={
            "nvcc": {"type": "list", "elements": "path", "default": []},
            "root": {"type": "path", "default": "/"},
        },
        supports_check_mode=True,
    )
    root = Path(module.params["root"])
    host = nvidia_host.describe(root)
    host["module"] = module_on_disk(module, root, host["system"]["kernel"])
    host["mok_enrolled"] = host["secure_boot"] == "on" and mok_enrolled(module, root)
    host["cuda"] = cuda(module, root, module.params["nvcc"])
    module.exit_json(changed=False, host=host)


if __name__ == "__main__":
    main()
