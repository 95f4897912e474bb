#!/usr/bin/python
"""Ansible module: what a person who is asked for help wants to see, in one archive without secrets."""

from __future__ import annotations

DOCUMENTATION = r"""
module: server_diagnosis
short_description: Collect versions, states, settings and logs without secrets
version_added: 0.1.0
description:
  - Collects what a person who is asked for help wants to see (host, Docker, GPU, every container's settings and last
    log lines, configuration files) into a compressed archive that only its owner may read.
  - Takes out every value in O(secrets_dir), the values of variables whose names say that they are secret, and what
    looks like a password, token or key. Read it all the same before you show it to others.
  - Changes nothing else, and goes on when a part cannot be had.
options:
  path:
    description: Archive to write.
    type: path
    required: true
  secrets_dir:
    description: Folder whose files hold secrets; their contents appear nowhere in the archive.
    type: path
    required: true
  files:
    description: Text files to collect; patterns as in a shell are possible.
    type: list
    elements: str
    default: []
  lines:
    description: How many of the last lines of each container's log.
    type: int
    default: 1000
  texts:
    description: Further files for the archive, by name. Secrets must have been taken out of them.
    type: dict
    default: {}
  about:
    description: Text for the file README.txt in the archive, for example versions on the control node.
    type: str
    default: ""
attributes:
  check_mode:
    support: none
    description: Left out in check mode.
  diff_mode:
    support: none
    description: There is nothing to compare.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Collect everything
  annotation.server.server_diagnosis:
    path: /root/diagnosis.tar.gz
    secrets_dir: /etc/annotation-server/secrets
    files: [/etc/docker/daemon.json]
"""

RETURN = r"""
parts:
  description: Names of the files in the archive.
  type: list
  elements: str
  returned: success
size:
  description: Size of the archive in bytes.
  type: int
  returned: success
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import diagnosis


def main() -> None:
    """Collect, redact, write."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "secrets_dir": {"type": "path", "required": True, "no_log": False},
            "files": {"type": "list", "elements": "str", "default": []},
            "lines": {"type": "int", "default": 1000},
            "texts": {"type": "dict", "default": {}},
            "about": {"type": "str", "default": ""},
        },
        supports_check_mode=False,
    )
    params = module.params
    path = Path(params["path"])
    parts = diagnosis.collect(diagnosis.run, params["files"], Path(params["secrets_dir"]), params["lines"])
    parts |= {**params["texts"], "README.txt": params["about"]}
    try:
        size = diagnosis.write_archive(path, parts, path.name.partition(".")[0])
    except OSError as problem:
        module.fail_json(msg=f"{path} cannot be written: {problem.strerror}. Choose another folder.")
    module.exit_json(changed=False, parts=sorted(parts), size=size)


if __name__ == "__main__":
    main()
