"""The stages of playbooks/site.yml: how each is run by itself, and how its work is undone so that it does it again.

What installs packages begins, as in site.yml, with playbooks/packages.yml.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from demo import settings
from tests.faults import undo
from tests.faults.host import Host

#: Where a stage is tried: on a host with Docker, on one with two cards besides, on a finished site.
BASE = Host("annotation-fault-base", "host-docker:13")
GPU = Host("annotation-fault-gpu", "host-docker:13")
SITE = Host("annotation-fault-site", "site:13")
_SECOND = [{"name": "second", "display_name": "second"}]

_KEY = str(settings.REPOSITORY / ".cache" / "faults" / "nvidia.asc")
_FINGERPRINT = "{{ lookup('ansible.builtin.file', stand_in_key) | annotation.server.openpgp_fingerprints | first }}"
#: Two cards, and NVIDIA's packages from folders of the host, as in molecule/gpu.
CARDS = {
    "host_image": "host-docker:13",
    "stand_in_cards": ["0x2684", "0x2230"],
    "stand_in_key": _KEY,
    "annotation_server_gpu": True,
    "annotation_server_image_prefix": "",
    "annotation_server_nvidia_repository_url": "file:/srv/nvidia/cuda",
    "nvidia_container_toolkit_repository_url": "file:/srv/nvidia/toolkit/$(ARCH)",
    "nvidia_container_toolkit_test_image": "probe:test",
    "cuda_toolkit_source": "nvidia",
    "cuda_toolkit_version": "13.0",
    **{f"{role}_repository_key": _KEY for role in ("nvidia_driver", "nvidia_container_toolkit", "cuda_toolkit")},
    **{
        f"{role}_repository_key_fingerprint": _FINGERPRINT
        for role in ("nvidia_driver", "nvidia_container_toolkit", "cuda_toolkit")
    },
}


@dataclass(frozen=True)
class Stage:
    """One stage. `undo` has a script per part of its work; `tags` names the part of the playbook that does it."""

    playbooks: tuple[str, ...]
    host: Host
    undo: Mapping[str, str]
    variables: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


STAGES: dict[str, Stage] = {
    "host_record": Stage(("host_record.yml",), BASE, {"": f"rm -f {undo.STATE}/before/host.json"}),
    "docker": Stage(
        ("packages.yml", "docker.yml"),
        BASE,
        {
            "": undo.DOCKER + "systemctl reset-failed docker\nsystemctl restart docker",
            "packages": undo.REMOVE.format("docker.io docker-compose docker-cli containerd runc python3-requests")
            + undo.DOCKER,
        },
    ),
    "storage": Stage(
        ("storage.yml",),
        BASE,
        {"": undo.STORAGE},
        {"storage_share_mount": {"src": "/var/lib/docker/share", "fstype": "none", "opts": "bind"}},
    ),
    "firewall": Stage(
        ("packages.yml", "firewall.yml"),
        BASE,
        # Rules for other networks, as before a change of the inventory.
        {
            "": undo.FIREWALL,
            "lists": undo.FIREWALL + undo.NO_LISTS,
            "rules": undo.RULES,
        },
        # So short that what happens when it is over is seen.
        {"annotation_server_firewall": True, "firewall_undo_seconds": 40},
    ),
    "tls": Stage(
        ("packages.yml", "tls.yml"),
        BASE,
        {"": undo.TLS},
        {
            "annotation_server_tls": "internal",
            "annotation_server_host": "annotation.test",
            "tls_authority_copy": str(settings.REPOSITORY / ".cache" / "faults" / "authority.crt"),
        },
    ),
    "gpu": Stage(
        ("packages.yml", "gpu.yml"),
        GPU,
        {"toolkit": undo.TOOLKIT, "cuda": undo.CUDA, "driver": undo.DRIVER},
        CARDS,
        {
            "toolkit": "package_manager_run,nvidia_container_toolkit",
            "cuda": "package_manager_run,cuda_toolkit",
            "driver": "package_manager_run,nvidia_driver",
        },
    ),
    "preflight": Stage(("preflight.yml",), SITE, {"": "true"}),
    "early": Stage(("early.yml",), SITE, {"": undo.EARLY}),
    "object_storage": Stage(
        ("packages.yml", "object_storage.yml"),
        SITE,
        {"": undo.OBJECT_STORAGE, "boto3": undo.REMOVE.format("python3-boto3")},
        {
            "object_storage_extra_buckets": _SECOND,
            "object_storage_cvat_access_key": "FAULTSFAULTSFAULTSAA",
            "object_storage_cvat_secret_key": "fixed" * 8,
        },
    ),
    "cvat": Stage(
        ("packages.yml", "cvat.yml"),
        SITE,
        {
            "tree": f"rm -rf {undo.TREE}",
            "settings": f"rm -f {undo.TREE}/.env {undo.TREE}/docker-compose.custom.override.yml",
            "containers": undo.CONTAINERS,
            "root account": undo.ROOT_ACCOUNT,
            "image": undo.IMAGE,
        },
        {"cvat_object_storage_root_password": "fixed" * 8},
    ),
    "models": Stage(
        ("models.yml",),
        SITE,
        {
            "nuctl": "rm -f /opt/annotation-server/bin/nuctl",
            "container": undo.MODEL,
            "function": undo.FUNCTION,
        },
        tags={"nuctl": "nuctl", "container": "sam2", "function": "sam2"},
    ),
    "verify": Stage(("verify.yml",), SITE, {"": f"rm -f {undo.STATE}/verify.json"}),
}
