"""From a call of CVAT's API to a request to the function, and back."""

import base64
import json
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, TimestampSigner

from ..engine import frames
from ..engine.models import Label, Task
from .gateway import Function, Gateway, mandatory

TRACKER_STATE_MAX_AGE = timedelta(hours=8)


def invoke(function: Function, task: Task, data: dict) -> Any:
    """Send the frame and the prompt (or the states) of data to the function; answer what it answered.

    Raises ValidationError for missing arguments and wrong mappings, requests' errors when Nuclio fails.
    """
    payload: dict[str, Any] = {"threshold": data["threshold"]} if data.get("threshold") else {}
    mapping = _mapping(function, task, data.get("mapping") or {})

    def image(name: str) -> str:
        return base64.b64encode(frames.get(task, int(mandatory(function, data, name)))).decode()

    signer = TimestampSigner(salt=f"cvat-tracker-state:{function.id}")
    if function.kind == "detector":
        payload["image"] = image("frame")
    elif function.kind == "interactor":
        payload["image"] = image("frame")
        payload["pos_points"] = mandatory(function, data, "pos_points")
        payload["neg_points"] = mandatory(function, data, "neg_points")
        payload["obj_bbox"] = data.get("obj_bbox")
    elif function.kind == "reid":
        payload |= {"image0": image("frame0"), "image1": image("frame1")}
        payload |= {name: mandatory(function, data, name) for name in ("boxes0", "boxes1")}
        if data.get("max_distance"):
            payload["max_distance"] = data["max_distance"]
    else:
        # The interface sends shapes to begin with and states to go on; older functions count the shapes, so nulls do.
        states = data.get("states", [])
        shapes = data.get("shapes", [None] * len(states)) if states else mandatory(function, data, "shapes")
        payload |= {"image": image("frame"), "shapes": [_for_tracker(function, shape) for shape in shapes]}
        payload["states"] = [_unsigned(signer, state) for state in states]

    answer = Gateway().invoke(function, payload)
    if function.kind == "detector":
        return [{**item, "label": mapping[item["label"]]} for item in answer if item["label"] in mapping]
    if function.kind == "tracker":
        if not function.shape_types:
            plain = answer.get("shapes") or []
            answer["shapes"] = [None if shape is None else {"type": "rectangle", "points": shape} for shape in plain]
        answer["states"] = [signer.sign(json.dumps(state, separators=(",", ":"))) for state in answer["states"]]
    return answer


def _for_tracker(function: Function, shape: dict | None) -> Any:
    """A shape in the form of the function's generation; ValidationError for a type that it does not know."""
    if shape is None:
        return None
    if shape["type"] not in (function.shape_types or ["rectangle"]):
        raise ValidationError(f"This function does not support shapes of type {shape['type']!r}")
    return shape if function.shape_types else shape["points"]


def _unsigned(signer: TimestampSigner, state: str | None) -> Any:
    if state is None:
        return None
    try:
        return json.loads(signer.unsign(state, max_age=TRACKER_STATE_MAX_AGE))
    except BadSignature as error:
        raise ValidationError("Invalid or expired tracker state") from error


def _mapping(function: Function, task: Task, wanted: dict) -> dict[str, str]:
    """Which label of the task each label of the model becomes: as asked, or labels of the same name."""
    model = {label["name"] for label in function.labels}
    own = set(Label.objects.filter(task=task).values_list("name", flat=True))
    if not wanted:
        return {name: name for name in model & own}
    for name, target in wanted.items():
        if name not in model:
            raise ValidationError(f'Invalid mapping. Unknown model label "{name}"')
        if target["name"] not in own:
            raise ValidationError(f'Invalid mapping. Unknown db label "{target["name"]}"')
    return {name: target["name"] for name, target in wanted.items()}
