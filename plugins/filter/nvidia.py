"""Filters of the stage gpu: roles nvidia_driver, nvidia_container_toolkit, cuda_toolkit and apt_repository."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.annotation.server.plugins.module_utils import (
    nvidia_driver,
    nvidia_packages,
    nvidia_reboot,
    nvidia_stage,
    openpgp_key,
)


def nvidia_driver_holds(host: dict[str, Any], with_kernel: bool = True) -> list[str]:
    """Return the installed packages that must change together; see nvidia_packages.keep_together."""
    return nvidia_packages.keep_together(host["packages"], with_kernel)


def openpgp_fingerprints(text: str) -> list[str]:
    """Return the fingerprints of the keys in a key file's text."""
    try:
        return openpgp_key.fingerprints(text.encode())
    except openpgp_key.KeyError_ as error:
        raise AnsibleFilterError(f"{error}.") from error


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "nvidia_stage": nvidia_stage.wanted,
            "nvidia_driver_plan": nvidia_driver.plan,
            "nvidia_driver_reboot": nvidia_reboot.reboot,
            "nvidia_driver_foretell": nvidia_reboot.foretell,
            "nvidia_driver_persistence": nvidia_driver.persistence,
            "nvidia_driver_holds": nvidia_driver_holds,
            "nvidia_driver_names": nvidia_packages.names_kept,
            "nvidia_toolkit_plan": nvidia_stage.toolkit,
            "nvidia_docker_settings": nvidia_stage.docker_settings,
            "cuda_toolkit_plan": nvidia_stage.cuda,
            "nvidia_summary": nvidia_stage.summary,
            "openpgp_fingerprints": openpgp_fingerprints,
        }
