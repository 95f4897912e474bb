"""How CVAT speaks to Nuclio's dashboard, and what it reads out of a function's metadata.

Paths, headers and defaults are those of cvat/apps/lambda_manager/views.py upstream.
"""

import json
import logging
from collections.abc import Iterator
from typing import Any

import requests
from django.conf import settings
from django.core.exceptions import ValidationError

log = logging.getLogger(__name__)
KINDS = ("detector", "interactor", "reid", "tracker")


class InvalidFunctionMetadataError(Exception):
    """A function that CVAT cannot show."""


class Gateway:
    """The dashboard's HTTP API."""

    def _http(self, method: str, path: str, headers: dict | None = None, data: Any = None) -> Any:
        with requests.Session() as session:
            reply = session.request(
                method,
                settings.NUCLIO_URL + path,
                headers={
                    "x-nuclio-project-name": "cvat",
                    "x-nuclio-function-namespace": settings.NUCLIO_NAMESPACE,
                    "x-nuclio-invoke-via": "domain-name",
                    "X-Nuclio-Invoke-Timeout": f"{settings.NUCLIO_TIMEOUT}s",
                    **(headers or {}),
                },
                timeout=settings.NUCLIO_TIMEOUT,
                json=data,
            )
        reply.raise_for_status()
        return reply.json()

    def list(self) -> Iterator["Function"]:
        """Functions of project cvat; those with bad metadata are dropped with a line in the log."""
        for item in self._http("get", "/api/functions").values():
            try:
                yield Function(item)
            except InvalidFunctionMetadataError:
                log.exception("Failed to parse lambda function metadata")

    def get(self, func_id: str) -> "Function":
        """One function by name."""
        return Function(self._http("get", f"/api/functions/{func_id}"))

    def invoke(self, function: "Function", payload: dict) -> Any:
        """Call a function, through the dashboard or at its published port, as the server is set."""
        if settings.NUCLIO_INVOKE_METHOD == "dashboard":
            headers = {"x-nuclio-function-name": function.id, "x-nuclio-path": "/"}
            return self._http("post", "/api/function_invocations", headers, payload)
        url = f"http://host.docker.internal:{function.port}"
        with requests.Session() as session:
            reply = session.post(url, timeout=settings.NUCLIO_TIMEOUT, json=payload)
        reply.raise_for_status()
        return reply.json()


class Function:
    """What CVAT knows of a function: its annotations, all of them strings."""

    def __init__(self, data: dict):
        """Read one answer of the dashboard. Without annotations or a description the whole list fails, as upstream."""
        about = data["metadata"]["annotations"]
        self.id = data["metadata"]["name"]
        self.kind = about.get("type")
        if self.kind not in KINDS:
            raise InvalidFunctionMetadataError(f"{self.id} lambda function has unknown type: {self.kind!r}")
        self.labels = [_label(self.id, spec) for spec in json.loads(about.get("spec") or "[]")]
        if len({label["name"] for label in self.labels}) != len(self.labels):
            raise InvalidFunctionMetadataError(f"{self.id} lambda function has non-unique labels")
        self.description = data["spec"]["description"]
        self.port = data["status"].get("httpPort")
        self.name = about.get("name", self.id)
        self.version = int(about.get("version", "1"))
        # None: the older generation of trackers, which gets and gives bare lists of numbers and means rectangles.
        types = about.get("supported_shape_types")
        self.shape_types = None if types is None else [word.strip() for word in types.split(",") if word.strip()]
        if self.shape_types == []:
            raise InvalidFunctionMetadataError(f"{self.id!r} lambda function has no supported shape types")
        # bool("false") is True: so it is upstream (facts: "leave a flag out rather than set it to false").
        self.interactor = {
            "min_pos_points": int(about.get("min_pos_points", 1)),
            "min_neg_points": int(about.get("min_neg_points", -1)),
            "startswith_box": bool(about.get("startswith_box", False)),
            "startswith_box_optional": bool(about.get("startswith_box_optional", False)),
            "help_message": about.get("help_message", ""),
            "animated_gif": about.get("animated_gif", ""),
        }

    def to_dict(self) -> dict:
        """The function as /api/lambda/functions shows it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "labels_v2": self.labels,
            "description": self.description,
            "name": self.name,
            "version": self.version,
            **(self.interactor if self.kind == "interactor" else {}),
            **({"supported_shape_types": self.shape_types or ["rectangle"]} if self.kind == "tracker" else {}),
        }


def _label(function: str, spec: dict) -> dict:
    attributes = [{key: item[key] for key in ("name", "input_type", "values")} for item in spec.get("attributes", [])]
    if len({item["name"] for item in attributes}) != len(attributes):
        raise InvalidFunctionMetadataError(f"{function} lambda function has non-unique attributes")
    return {"name": spec["name"], "type": spec.get("type", "any"), "attributes": attributes}


def mandatory(function: Function, data: dict, name: str) -> Any:
    """An argument that must be there."""
    if data.get(name) is None:
        text = f"`{function.id}` lambda function was called without mandatory argument: {name}"
        raise ValidationError(text, code="400")
    return data[name]
