"""What modules answer by names that Ansible does not take for itself."""

import importlib
from pathlib import Path

import pytest
import yaml

MODULES = sorted(path.stem for path in (Path(__file__).parents[2] / "plugins/modules").glob("[a-z]*.py"))
# Source: ansible-core 2.21, _internal/_task.py. A text called "finished" would arrive as true, with a warning.
TAKEN = {"attempts", "deprecations", "exception", "finished", "retries", "skip_reason", "warnings"}


@pytest.mark.parametrize("name", MODULES)
def test_no_answer_has_a_name_of_ansible_s_own(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.annotation.server.plugins.modules.{name}")
    assert not TAKEN & set(yaml.safe_load(getattr(module, "RETURN", "{}")) or {})
