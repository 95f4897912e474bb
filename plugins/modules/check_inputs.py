#!/usr/bin/python
"""Ansible module: refuses values that a role cannot use. See plugins/action/check_inputs.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: check_inputs
short_description: Refuse values that this role cannot use literally
version_added: 0.1.0
description:
  - Stands first in a role, reads its C(meta/argument_specs.yml), and names every value that is not of its option's
    kind. What argument validation knows (types, choices, required options) is judged there.
  - The kinds stand in C(plugins/plugin_utils/input_kinds.py). Runs on the control node; the host is not asked.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Refuse values that cannot be used
  annotation.server.check_inputs:
  tags: always
"""

RETURN = r"""#"""
