"""All rules, from the ground up: what an earlier one finds is more fundamental and is named first."""

from __future__ import annotations

from ansible_collections.annotation.server.plugins.module_utils import (
    cause_rules_containers,
    cause_rules_cvat,
    cause_rules_gpu,
    cause_rules_host,
    cause_rules_models,
    cause_rules_network,
    cause_rules_storage,
    cause_rules_upkeep,
)
from ansible_collections.annotation.server.plugins.module_utils.causes import Rule

RULES: tuple[Rule, ...] = (
    *cause_rules_host.RULES,
    *cause_rules_gpu.RULES,
    *cause_rules_upkeep.RULES,
    *cause_rules_network.RULES,
    *cause_rules_containers.RULES,
    *cause_rules_storage.RULES,
    *cause_rules_cvat.RULES,
    *cause_rules_models.RULES,
)
