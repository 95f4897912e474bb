"""A new version started beside the one that serves: only one that loads its model and answers may take its place.

The trial is a function of its own, in Nuclio's project ``default`` where CVAT does not look, under the function's name
with ``-trial`` behind it. Nuclio starts it as it will start the function: same environment, volumes, GPU and network.
"""

from __future__ import annotations

import copy
import http.client
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils.nuclio_cli import NuclioError
from ansible_collections.annotation.server.plugins.module_utils.nuclio_deployment import Function

TRIAL_ANNOTATION = "annotation-server/trial-of"
#: nuctl makes this project whenever it is called.
_PROJECT = "default"
_SUFFIX = "-trial"
_PORT = 8080
_ANSWER_SECONDS = 10.0
_POLL_SECONDS = 0.2


def trial_name(function: str) -> str:
    """Return the name of a function's trial; names have at most 63 letters."""
    return function[: 63 - len(_SUFFIX)] + _SUFFIX


def trial_config(config: Mapping[str, Any], function: str) -> dict[str, Any]:
    """Return the configuration of a trial: no port that the other one holds, and no life after an error or a reboot."""
    changed = copy.deepcopy(dict(config))
    changed["metadata"] = {"annotations": {TRIAL_ANNOTATION: function}}
    spec = changed["spec"]
    platform = spec["platform"] = dict(spec.get("platform") or {})
    platform["attributes"] = {**(platform.get("attributes") or {}), "restartPolicy": {"name": "no"}}
    for trigger in (spec.get("triggers") or {}).values():
        if trigger.get("kind") == "http":
            kept = {key: value for key, value in (trigger.get("attributes") or {}).items() if key != "port"}
            trigger["attributes"] = {**kept, "disablePortPublishing": True}
    return changed


def answers(address: str, seconds: float = _ANSWER_SECONDS) -> bool:
    """Tell whether a function answers a request; with what status is its own business, since the request is empty."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        connection = http.client.HTTPConnection(address, _PORT, timeout=seconds)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            time.sleep(_POLL_SECONDS)
        else:
            return True
        finally:
            connection.close()
    return False


class Trial:
    """The trial of one function."""

    def __init__(self, function: Function) -> None:
        """Take names and tools from the function."""
        self.of = function.name
        self.function = Function(trial_name(function.name), _PROJECT, function.nuctl, function.docker)

    def run(self, image: str, config: Mapping[str, Any], readiness_timeout: int) -> None:
        """Start an image beside what serves, ask it, and take it away again.

        Raises:
            NuclioError: it did not start, or does not answer.
        """
        self.clear()
        try:
            self.function.start(image, trial_config(config, self.of), readiness_timeout)
            state = self.function.read()
            if state.address and not answers(state.address):
                raise NuclioError(
                    f"It is ready, but answers no request within {_ANSWER_SECONDS:.0f} s.\n"
                    f"What the function itself says:\n{self.function.docker.logs(self.function.container_name)}"
                )
        finally:
            self.function.delete(force=True)

    def sweep(self) -> None:
        """Take away what a killed run left, if its container tells of any: asking for that takes no time."""
        if self.function.docker.container(self.function.container_name):
            self.clear()

    def clear(self) -> None:
        """Take away a trial that a killed run left behind.

        Raises:
            NuclioError: a function of that name is not a trial.
        """
        found = self.function.read()
        if found.exists and found.annotations.get(TRIAL_ANNOTATION) != self.of:
            raise NuclioError(
                f"{self.of} cannot be tried: there is a function {self.function.name}, and it was not made for that. "
                "Give one of them another name."
            )
        if found.exists or found.container:
            self.function.delete(force=True)
