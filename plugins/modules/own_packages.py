#!/usr/bin/python
"""Ansible module: packages that this project installed, purged."""

from __future__ import annotations

DOCUMENTATION = r"""
module: own_packages
short_description: Remove the packages that were not there before
version_added: 0.3.0
description:
  - Purges the packages that the roles install, as far as the record says that they were not there before, together with
    what apt brought for them. What others need, and what was there, stays.
  - Does not need C(python3-apt), which may be one of them.
options:
  record:
    description: File that says what the host was like before. Without one every package stays.
    type: path
    default: /var/lib/annotation-server/before/host.json
  stays:
    description: Packages, or what they are for (C(docker), C(tools), C(nvidia)), that must stay, each with the reason.
    type: dict
    default: {}
  holds:
    description: File with the names of packages that a role put on hold; they are let go.
    type: path
    default: /var/lib/annotation-server/nvidia_driver_held
  lock_timeout:
    description: Seconds to wait for another package manager.
    type: int
    default: 300
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
- name: Remove what was not there before, but leave Docker
  annotation.server.own_packages:
    stays: {docker: other containers run on it}
"""

RETURN = r"""
goes:
  description: What is purged.
  type: list
  elements: str
  returned: success
released:
  description: Packages that are no longer on hold.
  type: list
  elements: str
  returned: success
stays:
  description: Packages of the roles that stay, each with the reason.
  type: dict
  returned: success
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import host_record, host_system, own_packages

ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", "NEEDRESTART_MODE": "l", "UCF_FORCE_CONFFOLD": "1"}


def apt(module: AnsibleModule, *words: str) -> str:
    """Run apt-get and return what it said; the module ends where it fails."""
    command = ["/usr/bin/apt-get", "--yes", "--allow-change-held-packages", *words]
    code, out, err = module.run_command(command, environ_update=ENVIRONMENT)
    if code != 0:
        said = [line for line in f"{out}\n{err}".splitlines() if line.startswith(("E:", "dpkg: error"))] or [
            err.strip()
        ]
        module.fail_json(
            msg=f"{' '.join(command)} failed: {' '.join(said)} Mend it (dpkg --configure -a; apt-get --fix-broken "
            "install) and run again, which goes on from here."
        )
    return str(out)


def main() -> None:
    """Look, decide, purge, answer."""
    module = AnsibleModule(
        argument_spec={
            "record": {"type": "path", "default": host_record.PATH},
            "stays": {"type": "dict", "default": {}},
            "holds": {"type": "path", "default": "/var/lib/annotation-server/nvidia_driver_held"},
            "lock_timeout": {"type": "int", "default": 300},
            "docker_socket": {"type": "path", "default": "/var/run/docker.sock"},
        },
        supports_check_mode=True,
    )
    params, path = module.params, Path(module.params["record"])

    def simulate(names: list[str], brought: bool) -> set[str]:
        """Ask apt what it would remove."""
        words = ["autoremove", "--purge", *names] if brought else ["purge", *names]
        return own_packages.taken(apt(module, "--simulate", *words)) if brought or names else set()

    try:
        record = host_record.known(path, Path("/"), params["docker_socket"])
        _code, manual, _err = module.run_command(["/usr/bin/apt-mark", "showmanual"], check_rc=True)
        here = host_record.installed(Path("/"))
        plan = own_packages.plan(here, manual.split(), record, params["stays"], simulate)
        held = module.run_command(["/usr/bin/apt-mark", "showhold"], check_rc=True)[1].split()
        released = sorted(set(held) & set(host_system.read(Path(params["holds"])).split()))
        if released and not module.check_mode:
            module.run_command(["/usr/bin/apt-mark", "unhold", *released], check_rc=True)
        if plan["goes"] and not module.check_mode:
            # For a run that is stopped: what apt brought cannot be told from what others left, once its reason is gone.
            host_record.write(path, {**record, "going": plan["goes"]})
            apt(module, "-o", f"DPkg::Lock::Timeout={params['lock_timeout']}", "purge", *plan["goes"])
    except ValueError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"Cannot read or write {error.filename or path}: {error.strerror}.")
    goes = plan["goes"]
    diff = {
        "before": "".join(f"{each}\n" for each in goes),
        "after": "",
        "before_header": "packages",
        "after_header": "packages",
    }
    module.exit_json(changed=bool(goes or released), goes=goes, released=released, stays=plan["stays"], diff=diff)


if __name__ == "__main__":
    main()
