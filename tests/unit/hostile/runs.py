"""The runs of each role that together show every option where it is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from hostile.answers import KEY, KEY_FINGERPRINT, NVIDIA, SUM


@dataclass(frozen=True)
class Run:
    """One run of a role: hostile values for all options but these.

    Attributes:
        settings: plain values, where a hostile one would lead elsewhere or the form matters.
        tasks_from: the role's entry point.
        ends: what a role that judges a server says at its end; it has then gone through all it does.
        tasks: answers of this run's host, by the task's name.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    tasks: dict[str, Any] = field(default_factory=dict)
    ends: str = ""
    tasks_from: str = "main"


CVAT = {
    "cvat_addresses": {"cvat_db": "10.66.99.5"},
    "cvat_subnet": "10.66.99.0/24",
    "cvat_ip_range": "10.66.99.128/25",
    "cvat_functions_subnet": "10.66.98.0/24",
    "cvat_override_extra": {"x-note": "@cvat_override_extra@"},
    "cvat_git_commit": "",
}
GPU = {
    "Look what there is to try": {
        "host": {**NVIDIA, "loaded": "580.1", "packages": {"nvidia-container-toolkit": "1.20.0-1"}}
    }
}
RUNNING = {
    **NVIDIA,
    "loaded": "580.1",
    "loaded_kind": "open",
    "module": {"version": "580.1", "kind": "open", "signer": ""},
}
BACKUP = {"backup_keep": {"daily": 7}}
#: @option@ stands for its hostile value.
CHECKPOINT = {"sha256": "a" * 64, "dest": "@nuclio_functions.checkpoint.dest@"}
FUNCTIONS = [
    {
        "name": "@nuclio_functions.name@",
        "id": "one",
        "source": "@nuclio_functions.source@",
        "tags": ["@nuclio_functions.tags@"],
        "config_file": "@nuclio_functions.config_file@",
        "exclude": ["@nuclio_functions.exclude@"],
        "include": [{"src": "@nuclio_functions.include.src@", "dest": "@nuclio_functions.include.dest@"}],
        "env": {"A": "@nuclio_functions.env@"},
        "labels": {"a": "@nuclio_functions.labels@"},
        "annotations": {"a": "@nuclio_functions.annotations@"},
        "base_image": "@nuclio_functions.base_image@",
        "resources": {"limits": {"memory": "@nuclio_functions.resources@"}},
        "checkpoint": {**CHECKPOINT, "url": "@nuclio_functions.checkpoint.url@"},
        "cpu": {"annotations": {"b": "@nuclio_functions.cpu@"}},
    },
    {
        "name": "two",
        "source": "cvat:serverless/two",
        "config_file": "@nuclio_functions.config_file@",
        "builds": [{"name": "@nuclio_functions.builds.name@", "source": "cvat:@nuclio_functions.builds.source@"}],
        "checkpoint": {**CHECKPOINT, "src": "@nuclio_functions.checkpoint.src@", "sha256": SUM},
    },
    {"name": "three", "source": "three"},
]


def KEYED(role: str) -> dict[str, Any]:
    """Return the fingerprint of the key that lies where a role's option says."""
    return {f"{role}_repository_key_fingerprint": KEY_FINGERPRINT}


RUNS: dict[str, list[Run]] = {
    "acceptance": [Run({"acceptance_tls": "own"}, ends="steps failed on")],
    "apt_repository": [
        Run({"apt_repository_key_fingerprint": KEY_FINGERPRINT, "apt_repository_signed_by": ""}),
        Run({"apt_repository_key": "", "apt_repository_pins": []}),
    ],
    "backup": [
        Run({**BACKUP, "backup_restore": ""}),
        Run({**BACKUP, "backup_restore_check": False, "backup_share": True}),
    ],
    "bundle": [
        Run(),
        Run(
            {
                "bundle_make_pip": "pip",
                "__bundle_contents": {
                    "packages": [],
                    "optional_packages": [],
                    "components": [],
                    "repositories": [],
                    "pins": [],
                    "functions": {},
                },
                "__bundle_images": {"cvat/ui:v1": "cvat/ui:v1"},
                "__bundle_made_images": {},
                "__bundle_files": {},
                "__bundle_origins": {},
            },
            tasks_from="make",
        ),
    ],
    "cuda_toolkit": [
        Run(
            {"cuda_toolkit_version": "12.6", "cuda_toolkit_source": "nvidia", **KEYED("cuda_toolkit")},
            tasks={
                "Look what CUDA is there": {
                    "host": {**NVIDIA, "system": {**NVIDIA["system"], "id": "debian", "version": "12"}}
                },
                "Ask the compiler for its version": {"host": {**NVIDIA, "cuda": {"release": "12.6"}}},
            },
        ),
    ],
    "cvat": [
        Run({**CVAT, "cvat_source": "archive", "cvat_superuser": "admin"}),
        Run({**CVAT, "cvat_source": "local", "cvat_tls": "own"}),
        Run({**CVAT, "cvat_source": "git", "cvat_tls": "acme"}),
    ],
    "docker_engine": [
        Run(
            {
                "docker_engine_repository_key_sha256": sha256(KEY.encode()).hexdigest(),
                "docker_engine_address_pools": [{"base": "10.66.0.0/16", "size": 24}],
                "docker_engine_replace_ok": True,
                "docker_engine_minimum": "28.0.0",
                "docker_engine_compose_minimum": "2.30.0",
                "docker_engine_version": "28.0.1",
                "docker_engine_restart_ok": "always",
                "docker_engine_log_driver": "json-file",
            }
        ),
    ],
    "firewall": [Run(), Run({"firewall_state": "absent"})],
    "nuclio_functions": [
        Run({"nuclio_functions": FUNCTIONS, "nuclio_functions_only": "", "nuclio_functions_remove": ""}),
        # Without a mirror of the checkpoints each comes from its own url.
        Run(
            {
                "nuclio_functions": FUNCTIONS,
                "nuclio_functions_only": "",
                "nuclio_functions_remove": "",
                "nuclio_functions_checkpoints_url": "",
            }
        ),
        Run({"nuclio_functions": [], "nuclio_functions_only": ""}),
    ],
    "nuctl": [
        Run(
            {"nuctl_version": "1.16.3", "nuctl_local_file": ""},
            tasks={"Compute the sum of the file": {"stat": {"checksum": f"{14:064x}"}}},
        ),
        Run({"nuctl_version": "1.16.3", "nuctl_checksum": "0" * 64}),
        Run({"nuctl_version": "1.16.3", "nuctl_checksum": "", "nuctl_local_file": "", "nuctl_allow_unverified": True}),
    ],
    "nvidia_container_toolkit": [
        Run({"nvidia_container_toolkit_version": "1.20.0", **KEYED("nvidia_container_toolkit")}, tasks=GPU)
    ],
    "nvidia_driver": [
        Run(
            {
                "nvidia_driver_branch": "580",
                "nvidia_driver_source": "nvidia",
                "nvidia_driver_reboot": True,
                **KEYED("nvidia_driver"),
            },
            tasks={"Look what driver is there now": {"host": RUNNING}},
        ),
    ],
    "package_manager": [
        Run(tasks={"Look for packages that are there only in part": {"stdout_lines": ["reinstreq half-installed tar"]}})
    ],
    "preflight": [
        Run(
            {
                "preflight_ports": [],
                "preflight_object_storage_ports": [],
                "preflight_accept": [],
                "preflight_host": "a.test",
                "preflight_subnet": "172.20.0.0/24",
                "preflight_ip_range": "172.20.0.128/25",
                "preflight_functions_subnet": "172.20.1.0/24",
            }
        ),
    ],
    "teardown": [Run({"teardown_confirm": "localhost"})],
    "tls": [Run({"tls_mode": "own"}), Run({"tls_mode": "internal"})],
    # Nothing runs, so nothing is upgraded; what goes on is the business of other roles.
    "upgrade": [Run({"upgrade_to": "v2.81.0"}, ends="No release of CVAT runs here")],
    "warm_up": [Run({"warm_up_task": 7})],
}

#: Options that only decide something; no module and no file is ever told their value.
UNSEEN = {
    "teardown_confirm": "compared with the host's name",
    "nuclio_functions.pins": "words of a Dockerfile, put in the place of others",
    "nuclio_functions.gpu": "the same as nuclio_functions.cpu, on another host",
    "nuclio_functions_only": "compared with names",
    "bundle_make_pip": "words of a command",
    "nuclio_functions_cards": "chooses the build of PyTorch",
    "bundle_cvat_version": "compared with the bundle's",
    "apt_repository_key_fingerprint": "compared with the key",
    "cuda_toolkit_repository_key_fingerprint": "compared with the key",
    "nvidia_container_toolkit_repository_key_fingerprint": "compared with the key",
    "nvidia_driver_repository_key_fingerprint": "compared with the key",
    "preflight_object_storage_ports": "judged; its texts are shown",
    "preflight_ports": "judged; its texts are shown",
    "nvidia_container_toolkit_own_projects": "compared with containers",
    "preflight_admin_bind": "compared with listeners",
    "preflight_http_bind": "compared with listeners",
    "preflight_host": "judged, with sentences of its own",
    "preflight_ip_range": "judged, with sentences of its own",
    "preflight_language": "chooses sentences",
    "preflight_subnet": "judged, with sentences of its own",
    "preflight_functions_subnet": "judged, with sentences of its own",
    "preflight_network": "compared with networks",
    "preflight_own_projects": "compared with containers",
    "docker_engine_own_projects": "compared with containers",
}
