"""Filters of the role nuclio_functions. What they do stands in plugins/plugin_utils."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import nuclio_images
from ansible_collections.annotation.server.plugins.plugin_utils.answer_form import answer_form
from ansible_collections.annotation.server.plugins.plugin_utils.function_config import nuclio_configs
from ansible_collections.annotation.server.plugins.plugin_utils.function_files import (
    nuclio_base_images,
    nuclio_checkpoint,
    nuclio_parts,
    nuclio_place,
    nuclio_problems,
    nuclio_sums,
)
from ansible_collections.annotation.server.plugins.plugin_utils.function_list import nuclio_resolve, nuclio_select
from ansible_collections.annotation.server.plugins.plugin_utils.function_runs import (
    nuclio_steps,
    nuclio_table,
    nuclio_todo,
    nuclio_wishes,
    nuclio_wrong,
)
from ansible_collections.annotation.server.plugins.plugin_utils.torch_build import torch_build


def nuclio_made(asked: Mapping[str, Any]) -> str:
    """Return what mirrors call an image that is made below a function, from what Docker said about its inputs."""
    return nuclio_images.made_name(asked["item"], asked["stdout"])


class FilterModule:
    """Ansible looks here for the filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "nuclio_resolve": nuclio_resolve,
            "nuclio_select": nuclio_select,
            "nuclio_configs": nuclio_configs,
            "nuclio_base_images": nuclio_base_images,
            "nuclio_parts": nuclio_parts,
            "nuclio_place": nuclio_place,
            "nuclio_problems": nuclio_problems,
            "nuclio_sums": nuclio_sums,
            "nuclio_made": nuclio_made,
            "nuclio_checkpoint": nuclio_checkpoint,
            "nuclio_wishes": nuclio_wishes,
            "nuclio_todo": nuclio_todo,
            "nuclio_steps": nuclio_steps,
            "nuclio_table": nuclio_table,
            "nuclio_wrong": nuclio_wrong,
            "nuclio_torch_build": torch_build,
            "nuclio_answer_form": answer_form,
        }
