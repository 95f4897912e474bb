"""The interactor answers in the form that this server's CVAT reads."""

from __future__ import annotations

import re

import pytest
from ansible_collections.annotation.server.plugins.filter import nuclio
from ansible_collections.annotation.server.plugins.plugin_utils.answer_form import answer_form
from ansible_collections.annotation.server.plugins.plugin_utils.function_config import nuclio_config
from test_nuclio_catalogue import CATALOGUE, configuration


@pytest.mark.parametrize(
    ("version", "form"),
    [
        ("v2.80.0", "shapes"),
        ("2.63.0", "shapes"),
        ("v3.0.1", "shapes"),
        ("v2.62.0", "mask"),
        ("v2.9.2", "mask"),
        ("v1.7.0", "mask"),
        ("dev", "mask"),
        ("develop-2.90", "mask"),
        ("", "mask"),
    ],
)
def test_form(version: str, form: str) -> None:
    assert answer_form(version) == form


@pytest.mark.parametrize(("given", "form"), [({}, "shapes"), ({"env": {"ANSWER": "mask"}}, "mask")])
def test_the_role_lays_it_over_the_function_and_the_user_counts_more(given: dict, form: str) -> None:
    (name,) = re.findall(r"^{{ (\w+) \| annotation.server.nuclio_answer_form }}$", CATALOGUE["sam2"]["env"]["ANSWER"])
    assert name == "nuclio_functions_cvat_version"
    catalogue = {"sam2": {**CATALOGUE["sam2"], "env": {"ANSWER": answer_form("v2.80.0")}}}
    (entry,) = nuclio.nuclio_resolve([{"name": "sam2", **given}], catalogue, gpu=False)
    final = nuclio_config(configuration(entry), entry, {"network": "n", "max_body_bytes": 1})
    assert {item["name"]: item["value"] for item in final["spec"]["env"]}["ANSWER"] == form
