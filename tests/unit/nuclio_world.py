"""A nuctl and a docker for unit tests: two functions over one dictionary, which is the world they act in.

They behave as nuctl does on the local platform: exit status 1 and "not found" on standard output, state "building"
while a deploy is under way and after it was killed, "error" after it failed, the old container gone before the new one
is built. Only ``nuctl build`` and ``deploy --run-image`` are answered.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import io
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import nuclio_cli

EMPTY: dict[str, Any] = {
    "version": "1.16.3",
    "functions": {},
    "projects": [],
    "containers": {},
    "images": {"python:test": "sha256:base"},
    "labels": {},
    "sizes": {},
    "registry": {},
    "calls": [],
    "build_fails": False,
    "fails_for": "",  # the one function that does not build
    "build_seconds": 0,
    "start_fails": False,  # of images that are built meanwhile
    "switch_fails": [],  # functions that fail in their own place, but not when they are tried
    "hangs": False,
    "next_address": "172.20.0.128",
    "taken": [],  # addresses of others
    "helpers": [],  # containers that a killed nuctl left, with the function's volume in their hands
}


HEALTH: dict[str, Any] = {
    "StartedAt": "2026-11-23T10:00:00.123456789Z",
    "Health": {
        "Status": "healthy",
        "Log": [
            {"End": "2026-11-23T11:00:01.5+01:00", "ExitCode": 1},
            {"End": "2026-11-23T11:00:02.623456789+01:00", "ExitCode": 0},
        ],
    },
}


class World:
    """What a test prepares and looks at."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = copy.deepcopy(EMPTY)
        self.bare = False
        self._one_at_a_time = threading.Lock()

    def run(self, command: list[str], *_: object, **__: object) -> nuclio_cli.Answer:
        """Stand for nuclio_cli.run."""
        program, arguments = Path(command[0]).name, list(command[1:])
        if self.bare:
            raise nuclio_cli.NuclioError(f"Cannot run {program}: No such file or directory.")
        self.state["calls"].append([program, *arguments])
        said = io.StringIO()
        # What is printed is one for all threads.
        with self._one_at_a_time, contextlib.redirect_stdout(said):
            status = (nuctl if program == "nuctl" else docker)(self.state, arguments)
        return nuclio_cli.Answer(status, said.getvalue())

    def set(self, **values: Any) -> None:
        self.state.update(values)

    def calls(self, *words: str) -> list[list[str]]:
        """Return the calls that begin with these words."""
        return [call for call in self.state["calls"] if call[: len(words)] == list(words)]

    def state_of(self, name: str) -> str:
        return self.state["functions"][name]["status"]["state"]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(nuclio_cli, "run", made.run)
    return made


def option(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1] if name in arguments else ""


def nuctl(state: dict[str, Any], arguments: list[str]) -> int:
    """Answer one call of nuctl."""
    match arguments[:2]:
        case ["version", *_]:
            print(f'Client version:\n"Label: {state["version"]}, Git commit: none, OS: linux, Arch: amd64"')
        case ["get", kind]:
            name = arguments[2] if len(arguments) > 2 and not arguments[2].startswith("--") else ""
            if kind == "project":
                found = [{"metadata": {"name": p}, "spec": {}} for p in state["projects"] if name in ("", p)]
            else:
                found = [f for n, f in sorted(state["functions"].items()) if name in ("", n)]
            if not found:
                print(f"No {kind}s found")
                return 1 if name else 0
            print('26.11.23 10:00:00.000 (D) nuctl Reading {"functionName": "a log line"}')
            for item in found:
                print(json.dumps(item, indent=2))
        case ["create", "project"]:
            state["projects"].append(arguments[2])
        case ["delete", "function"]:
            if state["functions"][arguments[2]]["status"]["state"] == "building" and "--force" not in arguments:
                print("Function is being provisioned and cannot be deleted")
                return 1
            del state["functions"][arguments[2]]
            if state["helpers"]:
                print(f"remove nuclio-nuclio-{arguments[2]}: volume is in use")
                return 1
            state["containers"].pop(f"nuclio-nuclio-{arguments[2]}", None)
        case ["deploy", name, *_]:
            return deploy(state, name, arguments)
        case ["build", *_]:
            return build(state, arguments)
    return 0


def build(state: dict[str, Any], arguments: list[str]) -> int:
    """Build an image and touch nothing else."""
    if state["hangs"] == "building":
        return 137
    time.sleep(state["build_seconds"])
    if state["build_fails"] or arguments[1] == state["fails_for"]:
        print("ERROR: process pip install did not complete successfully: exit code: 1")
        return 1
    name = option(arguments, "--image")
    directives = json.loads(Path(option(arguments, "--file")).read_text())["spec"]["build"]["directives"]
    lines = [*directives["preCopy"], *directives["postCopy"]]
    state["images"][name] = f"sha256:{'bad' if state['start_fails'] else 'built'}-{len(state['calls'])}"
    state["labels"][name] = dict(line["value"].split("=", 1) for line in lines if line["kind"] == "LABEL")
    return 0


def deploy(state: dict[str, Any], name: str, arguments: list[str]) -> int:
    """Build and start, or fail as the world says."""
    known = state["functions"].get(name)
    if known and known["status"]["state"] == "building":
        print("Function cannot be updated when existing function is being provisioned")
        return 1
    config = json.loads(Path(option(arguments, "--file")).read_text())
    project = {"nuclio.io/project-name": option(arguments, "--project-name")}
    config["metadata"]["labels"] = {**(config["metadata"].get("labels") or {}), **project}
    image = option(arguments, "--run-image")
    if image and image not in state["images"]:
        print("no such image")
        return 1
    function = {**config, "status": {"state": "building"}}
    state["functions"][name] = function
    container = f"nuclio-nuclio-{name}"
    state["containers"].pop(container, None)
    if state["hangs"]:
        return 137
    number = len(state["calls"])
    starts = "bad" not in state["images"][image] and (name.endswith("-trial") or name not in state["switch_fails"])
    state["containers"][container] = {
        "Id": f"container-{number}",
        "Image": state["images"][image],
        "State": {"Running": starts, **HEALTH},
        "RestartCount": 0,
        "Config": {"Labels": {"nuclio.io/function-spec": json.dumps(config["spec"])}},
        "NetworkSettings": {"Networks": {"cvat_cvat": {"IPAMConfig": None, "IPAddress": state["next_address"]}}},
    }
    function["status"] = {"state": "ready"} if starts else {"state": "error", "message": "not ready in time"}
    function["status"]["internalInvocationUrls"] = [f"{state['next_address']}:8080"]
    return 0 if starts else 1


def docker(state: dict[str, Any], arguments: list[str]) -> int:
    """Answer one call of docker."""
    match arguments:
        case ["container", "inspect", name] if name in state["containers"]:
            print(json.dumps([state["containers"][name]]))
        case ["image", "inspect", name] if name in state["images"]:
            known = {"Id": state["images"][name], "Size": state["sizes"].get(name, 0)}
            known["RootFS"] = {"Layers": [f"layer-of-{known['Id']}"]}
            print(json.dumps([{**known, "Config": {"Labels": state["labels"].get(name)}}]))
        case ["volume", "inspect", _] if "store" in state:
            print(json.dumps([{"Mountpoint": state["store"]}]))
        case [_, "inspect", _]:
            print("[]")
            return 1
        case ["build", "--label", label, "--label", _, "--tag", name, "--file", dockerfile, _]:
            if "RUN false" in Path(dockerfile).read_text():
                print("The command '/bin/sh -c false' returned a non-zero code: 1")
                return 1
            state["images"][name] = f"sha256:{label}"
            state["labels"][name] = dict([label.split("=", 1)])
        case ["image", "tag", source, name]:
            state["images"][name] = source
        case ["image", "rm", name]:
            images = state["images"]
            used = images.get(name) in [container["Image"] for container in state["containers"].values()]
            if used and list(images.values()).count(images[name]) == 1:
                print("conflict: container is using its referenced image")
                return 1
            images.pop(name, None)
        case ["image", "ls", "--filter", pattern, "--format", _]:
            start = pattern.removeprefix("reference=").removesuffix("*")
            for number, name in enumerate(name for name in state["images"] if name.startswith(start)):
                print(f"2026-11-23 10:00:{number:02} +0000 UTC|{name}")
        case ["image", "prune", "--force", "--filter", _]:
            print("Total reclaimed space: 12MB")
        case ["tag", source, name]:
            state["images"][name] = state["images"][source]
        case ["pull", *_, name]:
            if name not in state["registry"]:
                print("manifest unknown")
                return 1
            state["images"][name] = state["registry"][name]
        case ["container", "ls", "--all", "--filter", *_]:
            print("\n".join(state["helpers"]))
        case ["container", "rm", "--force", *names]:
            state["helpers"] = [name for name in state["helpers"] if name not in names]
        case ["network", "disconnect", network, name]:
            del state["containers"][name]["NetworkSettings"]["Networks"][network]
        case ["network", "connect", "--ip", address, network, name]:
            if address in state["taken"]:
                print("Address already in use")
                return 1
            state["containers"][name]["NetworkSettings"]["Networks"][network] = {"IPAMConfig": {"IPv4Address": address}}
        case ["network", "connect", network, name]:
            state["containers"][name]["NetworkSettings"]["Networks"][network] = {"IPAMConfig": {}}
        case ["start", name]:
            state["containers"][name]["State"]["Running"] = True
        case ["logs", *_]:
            print("Traceback: \\n  File main.py\\nModuleNotFoundError: No module named \\'torch\\'")
    return 0


def store(folder: Path, kind: str, name: str, record: dict[str, Any]) -> None:
    """Write a file of Nuclio's store."""
    path = folder / kind / "nuclio" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(base64.b64encode(json.dumps(record).encode()).decode() + "\n")
