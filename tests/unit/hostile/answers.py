"""What a host answers while roles run on recorded modules: just enough that they go through all that they do.

A role that asks something new, or a new option that only some setting reaches, is led there here.
"""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

from hostile.values import ROOT
from test_compose_override import RELEASE
from test_nvidia_driver import ADA, host
from test_preflight import GOOD, disk

KEY = (ROOT / "roles/apt_repository/files/nvidia-cuda.asc").read_text()
KEY_FINGERPRINT = "EB693B3035CD5710E231E123A4B469963BF863CC"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
SUM = "0" * 64
ENGINE = {
    "reachable": True,
    "networks": [],
    "containers": [],
    "client": "28.0.0",
    "daemon": "28.0.0",
    "compose": "2.30.0",
    "engine": "28.0.0",
    "live_restore": False,
}
NVIDIA = {
    **host("debian 13", ADA),
    "loaded": "",
    "cuda": {"release": "12.4", "folder": "", "linked": ""},
    "toolkit": [],
    "sources": {"uris": ["http://deb.test/debian"], "suites": ["trixie"], "components": ["main"], "signed_by": ""},
}
TREE = {"Name": "compose", "Version": "2.30.0"}
DOCKER_INFO = {"ServerVersion": "28.0.0", "ClientInfo": {"Plugins": [TREE]}}
CHECK = {
    "name": "health",
    "title": "CVAT is healthy",
    "group": "CVAT",
    "state": "ok",
    "detail": "6 parts work",
    "cure": "",
    "seconds": 0.3,
}
CHECKED = {
    "form": "quick",
    "state": "ok",
    "summary": {"ok": 1, "warning": 0, "failed": 0, "skipped": 0},
    "started": "now",
    "ended": "now",
    "ended_epoch": 0,
    "seconds": 1.0,
    "checks": [CHECK],
    "versions": {"CVAT": "1"},
    "containers": {},
    "latencies": [],
    "exports": [],
    "figures": {},
    "pictures": {},
}
GONE = {"back": [], "docker": "", "foreign": [], "released": {}, "goes": [], "stays": {}, "kept": {}, "changed": True}
BUILT = {"needed": True, "reasons": ["new"], "build": True, "image": "i:1", "seconds": 1.0, "error": ""}
FUNCTION_YAML = (
    "metadata: {name: f}\nspec:\n  handler: main:handler\n  env: [{name: A, value: b}]\n  build: {baseImage: i:1}\n"
)


BUNDLE = {"format": 1, "system": GOOD["system"], "packages": [], "functions": {}, "images": {}, "files": {}}


def encoded(text: str) -> str:
    """Return a file's content as slurp answers it."""
    return base64.b64encode(text.encode()).decode()


def said(text: str = "", rc: int = 0, **more: Any) -> dict[str, Any]:
    """Return what a command answers."""
    return {
        "rc": rc,
        "stdout": text,
        "stdout_lines": text.splitlines(),
        "stderr": "",
        "stderr_lines": [],
        "msg": "",
        "changed": True,
        **more,
    }


def modules(paths: list[str]) -> dict[str, Any]:
    """Return the answers by module; the host has the folders asked about."""
    looked = {**copy.deepcopy(GOOD), "docker": ENGINE, "disks": [disk(path) for path in paths]}
    looked["packages"]["installed"] = {"docker-ce": "5:28.0.0-1"}
    return {
        "annotation.server.host_probe": {"host": looked},
        "annotation.server.nvidia_probe": {"host": NVIDIA},
        "annotation.server.docker_daemon_config": {
            "settings": {},
            "before": {},
            "changed_keys": ["log-opts"],
            "action": "restart",
            "backup": "",
            "changed": True,
        },
        "annotation.server.hand_made_server": {
            "problems": [],
            "settings": {"annotation_server_host": "a"},
            "unknown_functions": [],
            "exposures": [],
        },
        "annotation.server.server_checks": CHECKED,
        "annotation.server.server_causes": {"causes": [], "facts": {}, "text": ["nothing"], "changed": False},
        "annotation.server.own_files": GONE,
        "annotation.server.own_docker_objects": GONE,
        "annotation.server.own_packages": GONE,
        "annotation.server.host_record": {
            "exists": True,
            "groups": [],
            "late": False,
            "made": "now",
            "not_mounted": [],
            "docker": {},
        },
        "annotation.server.server_diagnosis": {"parts": ["a"], "size": 2048},
        "annotation.server.cvat_warm_up": {
            "count": 1,
            "summary": "",
            "fits": True,
            "cure": "",
            "seconds": 1.0,
            "slowest": 1.0,
            "batches": [{"frames": "0-0", "done": 0}],
        },
        "annotation.server.host_secret": {"value": "made", "replaced": True, "changed": True},
        "annotation.server.bundle_copy": {"damaged": {}, "bytes": 1, "free": 2, "changed": True},
        "annotation.server.bundle_manifest": {"wrong": {}, "bytes": 1, "changed": True},
        "annotation.server.build_context": {"changed": True, "files": {"a": "b"}, "changes": []},
        "annotation.server.nuclio_project": {"functions": [], "changed": True},
        "annotation.server.nuclio_builds": {"functions": [{**BUILT, "name": name} for name in ("one", "two", "three")]},
        "annotation.server.nuclio_function": {"changed": True, "action": "deployed", "reasons": ["new"], "steps": {}},
        "annotation.server.nuclio_functions_info": {"functions": []},
        "ansible.builtin.stat": {
            "stat": {
                "exists": True,
                "isdir": True,
                "isreg": True,
                "writeable": True,
                "checksum": SUM,
                "path": "@ASKED@",
            }
        },
        "ansible.builtin.slurp": {"content": encoded("{}"), "encoding": "base64"},
        "ansible.builtin.command": said(),
        "ansible.builtin.shell": said(),
        "community.docker.docker_container_exec": said(),
        "ansible.builtin.find": {"files": [], "matched": 0},
        "ansible.builtin.getent": {"ansible_facts": {"getent_passwd": {"@ASKED@": ["x"]}}},
        "ansible.builtin.package_facts": {"ansible_facts": {"packages": {}}},
        "ansible.builtin.uri": {"status": 200, "json": {"assets": []}, "content": ""},
        "ansible.builtin.copy": {"dest": "/srv/copied", "changed": True},
        "ansible.builtin.git": {"after": "{n:040x}", "changed": True},
        "ansible.builtin.tempfile": {"path": "/tmp/made", "changed": True},
        "community.crypto.x509_certificate_info": {
            "public_key": "K",
            "expired": False,
            "subject_alt_name": ["DNS:*.test"],
            "key_usage": ["Certificate Sign"],
            "valid_at": {"renewal": True},
        },
        "community.crypto.openssl_privatekey_info": {"public_key": "K"},
        "community.crypto.openssl_csr_pipe": {"csr": "C", "changed": True},
    }


#: By the task's name, for tasks whose module's usual answer would not do.
TASKS: dict[str, dict[str, Any]] = {
    "Wait until it answers": {"status": 200, "content": '{"by": "annotation.server"}'},
    "Ask Docker about itself": said(json.dumps(DOCKER_INFO)),
    "Look which release runs": said(""),
    "Look for packages that are there only in part": said("reinstreq half-installed containerd"),
    "Look when the root account was written": {"stat": {"exists": True, "ctime": 1.5}},
    "Look since when the object storage runs": said("2026-11-01T00:00:00.5Z"),
    "Wait for containers that an earlier run still replaces": said(
        rc=1, ansible_facts={"date_time": {"iso8601": "2026-11-25T00:00:00Z"}}
    ),
    "Read the network's addresses": said("[]", rc=1, stderr="network not found"),
    "Read the release's Compose files": said(""),
    "Read the services that the release defines": said(json.dumps(RELEASE)),
    "Read the addresses that services have from an earlier run": {"content": encoded("services: {}")},
    "Read the fixed addresses from the override file": {"content": encoded("services: {}")},
    "Read the configurations that come with CVAT": {"content": encoded(FUNCTION_YAML)},
    "Read how much the function keeps": {"content": encoded(FUNCTION_YAML)},
    "Start it once": said("Label: 1.16.3"),
    "Ask the nuctl that is there for its version": said("Label: 0.0.1"),
    "Read what was made": {
        "content": encoded(
            json.dumps(dict.fromkeys(("snapshot", "release", "repository", "seconds", "frozen_seconds"), "1"))
        )
    },
    "Look at the folder of the source tree": {"stat": {"exists": False}},
    "Try to log in as admin": {"status": 401},
    "Look for a GPU, the NVIDIA Container Toolkit, Docker, its network, nuctl, and how full the disk is": said(
        "docker\nnetwork\nnuctl\n 10%"
    ),
    "Look for the checkpoints": {"stat": {"exists": False}},
    "Ask Docker which runtimes it knows": said('{"nvidia": {}}'),
    "Wait until Docker knows the runtime": said('{"nvidia": {}}'),
    "Look with what the cards were tried last": {"content": encoded("another")},
    "Run nvidia-smi in a container": said("GPU 0"),
    "Ask the driver for its cards": said("GPU 0"),
    "Look which ports sshd listens on": said(""),
    "Ask how this run is connected": said("", rc=1),
    "Look whether the settings were written before": {"stat": {"exists": False}},
}
