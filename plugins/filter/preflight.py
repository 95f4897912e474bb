"""Filters of the role preflight."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.annotation.server.plugins.module_utils import preflight_checks


def preflight_findings(host: dict[str, Any], wishes: dict[str, Any]) -> list[dict[str, Any]]:
    """Judge what ``host_probe`` found; see preflight_checks.find."""
    try:
        return preflight_checks.find(host, wishes)
    except (KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"preflight_findings: unexpected input ({type(error).__name__}: {error})") from error


def preflight_text(findings: list[dict[str, Any]], level: str) -> str:
    """Write the findings of one level as text for people, numbered, each with its cure."""
    lines = []
    for number, finding in enumerate((each for each in findings if each["level"] == level), start=1):
        lines.append(f"{number}. {finding['problem']}  [{finding['check']}]")
        if finding["cure"]:
            lines.append(f"   -> {finding['cure']}")
    return "\n".join(lines)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"preflight_findings": preflight_findings, "preflight_text": preflight_text}
