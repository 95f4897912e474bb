#!/usr/bin/python
"""Ansible module: one secret in one file on the host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_secret
short_description: Make a secret once on the host, or read it
version_added: 0.1.0
description:
  - Keeps one secret in one file that only its owner can read. A missing file is made with a random value, or with
    O(value); an existing one is read and left as it is.
  - Register the result and give the task C(no_log=true), because the secret is returned.
options:
  path:
    description: The file. A missing folder is made, for its owner only (mode 0700).
    type: path
    required: true
  value:
    description:
      - The secret to keep, for example from Ansible Vault. It replaces another one in the file.
      - Empty means not given.
    type: str
  length:
    description: Characters of a secret that is made. From 8 to 1024.
    type: int
    default: 32
  charset:
    description:
      - Characters of a secret that is made. All sets are safe in C(.env) files, YAML and URLs without quoting.
      - V(alnum) and V(upper) begin with a letter.
    type: str
    choices: [alnum, upper, hex]
    default: alnum
  regenerate:
    description: Make a new secret although there is one. Never unchanged, so set it from a variable and for one run.
    type: bool
    default: false
  mode:
    description: Permissions of the file.
    type: raw
    default: "0600"
extends_documentation_fragment:
  - ansible.builtin.files
attributes:
  check_mode:
    support: full
    description: A secret that would be made is returned as a placeholder.
  diff_mode:
    support: none
    description: Secrets are not shown.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Make the database password, or read it
  annotation.server.host_secret:
    path: /etc/annotation-server/secrets/database_password
  register: database_password
  no_log: true

- name: Keep the password that the vault holds
  annotation.server.host_secret:
    path: /etc/annotation-server/secrets/mail_password
    value: "{{ vault_mail_password }}"
  register: mail_password
  no_log: true
"""

RETURN = r"""
value:
  description: The secret; in check mode a placeholder when it would be made.
  type: str
  returned: success
created:
  description: Whether the file did not exist before.
  type: bool
  returned: success
replaced:
  description: Whether another secret stood in the file before. What uses it must be told the new one.
  type: bool
  returned: success
"""

import os
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import secret_file


def write(module: AnsibleModule, path: Path, value: str) -> None:
    """Put the secret in place by a rename, so that no reader ever sees half of it."""
    if not path.parent.is_dir():
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700)
    # Made with mode 0600, in the same folder: the secret is never readable for others, nor on another file system.
    # Not module.atomic_move, which gives a new file the mode of the umask for a moment.
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as handle:
        module.add_cleanup_file(handle.name)
        handle.write(value.encode())
        handle.flush()
        os.fsync(handle.fileno())
    if path.exists():
        before = path.stat()
        os.chown(handle.name, before.st_uid, before.st_gid)
    Path(handle.name).replace(path)


def read(path: Path, will_be_replaced: bool) -> str | None:
    """Return what the file holds; a file with unusable content counts as missing when it will be replaced."""
    try:
        return secret_file.read(path)
    except secret_file.SecretFileError:
        if will_be_replaced and path.is_file() and not path.is_symlink():
            return None
        raise


def main() -> None:
    """Read the arguments, decide, write if needed, answer."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "value": {"type": "str", "no_log": True},
            "length": {"type": "int", "default": 32},
            "charset": {"type": "str", "choices": list(secret_file.CHARSETS), "default": "alnum"},
            "regenerate": {"type": "bool", "default": False},
            "mode": {"type": "raw", "default": "0600"},
        },
        add_file_common_args=True,
        supports_check_mode=True,
    )
    params = module.params
    path = Path(params["path"])
    given = params["value"] or None
    # The caller needs the secret itself; Ansible would replace it in the result because it came in as a parameter.
    # The arguments are shown without it instead.
    module.no_log_values.discard(given)
    shown = {**params, "value": None if given is None else "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}

    try:
        if given is not None:
            secret_file.check_value(given)
        # Asked even when a file is there: a wrong length must not wait for the next host to be noticed.
        fresh = secret_file.generate(params["length"], params["charset"])
        present = read(path, will_be_replaced=given is not None or params["regenerate"])
    except secret_file.SecretFileError as error:
        module.fail_json(msg=str(error), invocation={"module_args": shown})
    except OSError as error:
        module.fail_json(msg=f"Cannot read {path}: {error.strerror}.", invocation={"module_args": shown})

    created = not path.exists()
    if given is not None:
        wanted, made = given, False
    elif present is None or params["regenerate"]:
        wanted, made = fresh, True
    else:
        wanted, made = present, False
    changed = created or not secret_file.is_tidy(path, wanted)

    if changed and not module.check_mode:
        try:
            write(module, path, wanted)
        except OSError as error:
            module.fail_json(msg=f"Cannot write {path}: {error.strerror}.", invocation={"module_args": shown})
    if not (created and module.check_mode):
        changed = module.set_fs_attributes_if_different(module.load_file_common_arguments(params), changed)

    module.exit_json(
        changed=changed,
        path=str(path),
        value=secret_file.PLACEHOLDER if made and module.check_mode else wanted,
        created=created,
        replaced=not created and present != wanted,
        invocation={"module_args": shown},
    )


if __name__ == "__main__":
    main()
