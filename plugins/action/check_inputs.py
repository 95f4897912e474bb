"""Action plugin of check_inputs: reads the role's own specification, and judges the values of its options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.annotation.server.plugins.plugin_utils import inputs


class ActionModule(ActionBase):
    """Nothing runs on the host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Name every value that cannot be used."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        role = self._task._role
        if role is None:
            raise AnsibleActionFail("check_inputs belongs into a role: it reads the role's argument_specs.yml.")
        text = Path(role._role_path, "meta", "argument_specs.yml").read_text(encoding="utf-8")
        options = yaml.safe_load(text)["argument_specs"]["main"]["options"]
        known = task_vars or {}
        values = {name: self._templar.template(known[name]) for name in options if name in known}
        found = inputs.problems(options, values)
        result["changed"] = False
        if found:
            result |= {"failed": True, "msg": f"{' '.join(found)} Nothing was changed."}
        return result
