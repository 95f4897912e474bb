#!/usr/bin/python
"""Ansible module: one large file with a known sum, downloaded over a connection that may break."""

from __future__ import annotations

DOCUMENTATION = r"""
module: resumable_download
short_description: Download a large file, going on where an earlier attempt stopped
version_added: 0.2.0
description:
  - Brings a file whose sum is known. What is there of it already, in C(<dest>.part), is not asked for again, also when
    an earlier run was ended in the middle.
  - The file gets its name only when it is complete and has the right sum.
options:
  url:
    description: Where it is.
    type: str
    required: true
  dest:
    description: Where it goes.
    type: path
    required: true
  sha256:
    description: Its sum.
    type: str
    required: true
  attempts:
    description: How often it is asked for when the connection breaks.
    type: int
    default: 5
  timeout:
    description: Longest silence, in seconds.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    description: Weights are not text.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Download the weights of SAM 2.1
  annotation.server.resumable_download:
    url: https://dl.fbaipublicfiles.com/segment_anything_2/092824/sam2.1_hiera_large.pt
    dest: /opt/annotation-server/functions/.checkpoints/sam2.1_hiera_large.pt
    sha256: 2647878d5dfa5098f2f8649825738a9345572bae2d4350a2468587ece47dd318
"""

RETURN = r"""
bytes:
  description: How many bytes were brought now.
  type: int
  returned: success
"""

import fcntl
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.annotation.server.plugins.module_utils.resumable_download import DownloadError, download


def opened(url: str, *, headers: dict[str, str], timeout: float) -> Any:
    """Open an address with the proxies of the environment and the certificates of the host."""
    return open_url(url, headers=headers, timeout=timeout)


def main() -> None:
    """Download unless it is there."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "dest": {"type": "path", "required": True},
            "sha256": {"type": "str", "required": True},
            "attempts": {"type": "int", "default": 5},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    params = module.params
    target = Path(params["dest"])
    if target.exists() or module.check_mode:
        module.exit_json(changed=not target.exists(), bytes=0)
    try:
        # Two runs at once must not write into the same file.
        with target.with_name(f".{target.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            brought = 0
            if not target.exists():
                brought = download(
                    params["url"], target, params["sha256"], opened, params["attempts"], params["timeout"]
                )
                target.chmod(0o644)
            Path(lock.name).unlink(missing_ok=True)
    except DownloadError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"Cannot write {error.filename}: {error.strerror}.")
    module.exit_json(changed=True, bytes=brought)


if __name__ == "__main__":
    main()
