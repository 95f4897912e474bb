"""Cloud storages of CVAT: which one is meant, what differs, and what its state means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from ansible_collections.annotation.server.plugins.module_utils.cvat_api import CvatClient, CvatError, explain

PATH = "/api/cloudstorages"
AVAILABLE = "AVAILABLE"
PROVIDER = "AWS_S3_BUCKET"
CREDENTIALS = "KEY_SECRET_KEY_PAIR"
CURES = {
    "FORBIDDEN": "CVAT's key is refused: run the stage object_storage, which makes the key's user again.",
    "NOT_FOUND": "CVAT does not find the bucket. Either it does not exist, or CVAT's own proxy refuses the object "
    "storage's address: SMOKESCREEN_OPTS in CVAT's .env must name it, and the containers must be recreated after a "
    "change (run the stage cvat).",
}


def attributes(text: str) -> dict[str, str]:
    """Return specific_attributes, ``endpoint_url=...&region=...``, as a mapping: their order means nothing."""
    return dict(parse_qsl(text or ""))


def wanted_fields(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a storage, without its key, as the API takes them."""
    specific = {"region": params["region"], "endpoint_url": params["endpoint"], "prefix": params["prefix"]}
    return {
        "provider_type": PROVIDER,
        "resource": params["bucket"],
        "display_name": params["display_name"],
        "credentials_type": CREDENTIALS,
        "specific_attributes": urlencode({name: value for name, value in specific.items() if value}, safe=":/"),
        "description": params["description"],
    }


def comparable(storage: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a person sees of a storage: for comparing and for the diff."""
    fields = ("display_name", "provider_type", "resource", "credentials_type", "description")
    return {
        **{field: storage.get(field) or "" for field in fields},
        "specific_attributes": attributes(storage.get("specific_attributes", "")),
    }


def choose(storages: list[dict[str, Any]], display_name: str, bucket: str) -> tuple[dict[str, Any] | None, str]:
    """Return the storage of this name and a warning: CVAT lets several have one name.

    Storages of organizations are somebody else's. Of several, one of the same bucket is taken, the oldest first.
    """
    named = [item for item in storages if item["display_name"] == display_name and not item.get("organization")]
    if not named:
        return None, ""
    named.sort(key=lambda item: (item["resource"] != bucket, item["id"]))
    if len(named) == 1:
        return named[0], ""
    others = ", ".join(str(item["id"]) for item in named[1:])
    return named[0], (
        f"CVAT has {len(named)} cloud storages of the name '{display_name}'. The one with the id {named[0]['id']} is "
        f"kept up to date; look at {others} under Cloud Storages and remove what nobody uses."
    )


def status(client: CvatClient, identifier: int) -> str:
    """Return AVAILABLE, FORBIDDEN or NOT_FOUND: CVAT asks the bucket now."""
    return str(client.get(f"{PATH}/{identifier}/status"))


def refusal(error: CvatError) -> str:
    """Return what to do about a refused registration."""
    said = explain(error.body)
    if error.status == 400 and "forbidden" in said.lower():
        return f"{said} {CURES['FORBIDDEN']}"
    if error.status == 400 and "not found" in said.lower():
        return f"{said} {CURES['NOT_FOUND']}"
    return str(error)
