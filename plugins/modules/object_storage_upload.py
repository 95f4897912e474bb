#!/usr/bin/python
"""Ansible module: copy a folder of the host into a bucket."""

from __future__ import annotations

DOCUMENTATION = r"""
module: object_storage_upload
short_description: Copy a folder of the host into a bucket
version_added: 0.1.0
description:
  - Copies what is missing in the bucket or differs there, by size and MD5. Removes nothing, neither here nor there.
  - Files and folders whose names begin with a dot are left out, and so are links.
requirements: [boto3]
options:
  source:
    description: The folder.
    type: path
    required: true
  bucket:
    description: Name of the bucket.
    type: str
    required: true
  prefix:
    description: Where in the bucket the folder's content goes, for example V(street/2026). Empty is the top.
    type: str
    default: ""
  endpoint:
    description: Address of the S3 server as the host reaches it.
    type: str
    default: http://127.0.0.1:9000
  access_key_file:
    description: File with the access key.
    type: path
    required: true
  secret_key_file:
    description: File with the secret key.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: Says what would be copied; before the server runs, that is everything.
  diff_mode:
    support: full
    description: Lists the objects that are copied, with their sizes.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Copy the pictures into the bucket
  annotation.server.object_storage_upload:
    source: /mnt/share/street
    bucket: cvat-storage
    prefix: street
    access_key_file: /etc/annotation-server/secrets/object_storage_cvat_access_key
    secret_key_file: /etc/annotation-server/secrets/object_storage_cvat_secret_key
"""

RETURN = r"""
uploaded:
  description: Number of files that were copied, or would be in check mode.
  type: int
  returned: success
found:
  description: Number of files in the folder.
  type: int
  returned: success
"""

import hashlib
import mimetypes
import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.annotation.server.plugins.module_utils import s3_storage

GIBIBYTE = 1024**3
SHOWN = 200  # objects named in a diff; the rest is counted


def files_below(folder: Path, prefix: str) -> dict[str, Path]:
    """Return the files of a folder by the key that they have in the bucket, sorted."""
    start = prefix.strip("/") + "/" if prefix.strip("/") else ""
    found = {}
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                found[start + path.relative_to(folder).as_posix()] = path
    return found


def objects(client: Any, bucket: str, prefix: str) -> dict[str, tuple[int, str]]:
    """Return size in bytes and ETag of every object below a prefix."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {item["Key"]: (item["Size"], item["ETag"].strip('"')) for page in pages for item in page.get("Contents", [])}


def md5(path: Path) -> str:
    """Return a file's MD5: what S3 gives as the ETag of an object that was sent in one piece."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as handle:
        while block := handle.read(1024**2):
            digest.update(block)
    return digest.hexdigest()


def differs(path: Path, there: tuple[int, str] | None) -> bool:
    """Tell whether a file is missing in the bucket or has another content there."""
    if there is None or there[0] != path.stat().st_size:
        return True
    # An ETag with a hyphen is no MD5 (sent in parts): then the size must do.
    return "-" not in there[1] and there[1] != md5(path)


def send(client: Any, bucket: str, key: str, path: Path) -> None:
    """Send one file."""
    from boto3.s3.transfer import TransferConfig

    kind = mimetypes.guess_type(path.name)[0]
    client.upload_file(
        str(path),
        bucket,
        key,
        ExtraArgs={"ContentType": kind} if kind else None,
        # In one piece as long as S3 allows it: then the ETag is the MD5.
        Config=TransferConfig(multipart_threshold=5 * GIBIBYTE, multipart_chunksize=GIBIBYTE),
    )


def answer(keys: dict[str, Path], found: int) -> dict[str, Any]:
    """Return the module's answer for what is copied."""
    lines = [f"{key} ({path.stat().st_size} bytes)\n" for key, path in list(keys.items())[:SHOWN]]
    if len(keys) > SHOWN:
        lines.append(f"and {len(keys) - SHOWN} more\n")
    return {
        "changed": bool(keys),
        "uploaded": len(keys),
        "found": found,
        "diff": {"before": "", "after": "".join(lines)},
    }


def main() -> None:
    """Read the arguments, compare, copy, answer."""
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "path", "required": True},
            "bucket": {"type": "str", "required": True},
            "prefix": {"type": "str", "default": ""},
            "endpoint": {"type": "str", "default": "http://127.0.0.1:9000"},
            "access_key_file": {"type": "path", "required": True, "no_log": False},
            "secret_key_file": {"type": "path", "required": True, "no_log": False},
        },
        supports_check_mode=True,
    )
    params = module.params
    folder = Path(params["source"])
    if not folder.is_dir():
        if module.check_mode:
            module.exit_json(changed=False, uploaded=0, found=0, msg=f"{folder} is not there yet.")
        module.fail_json(msg=f"{folder} is not a folder on the server.")
    files = files_below(folder, params["prefix"])
    try:
        key, secret = (s3_storage.read_secret(params[name]) for name in ("access_key_file", "secret_key_file"))
        if module.check_mode and (s3_storage.BOTO3_ERROR or key is None or secret is None):
            module.exit_json(**answer(files, len(files)))
        if s3_storage.BOTO3_ERROR:
            module.fail_json(msg=missing_required_lib("boto3"), exception=str(s3_storage.BOTO3_ERROR))
        if key is None or secret is None:
            module.fail_json(msg=f"{params['access_key_file']} or {params['secret_key_file']} is missing.")
        module.no_log_values.add(secret)
        with s3_storage.explained(params["endpoint"], f"key of {params['access_key_file']}"):
            client = s3_storage.connect(params["endpoint"], key, secret)
            there = objects(client, params["bucket"], params["prefix"].strip("/"))
            keys = {name: path for name, path in files.items() if differs(path, there.get(name))}
            if not module.check_mode:
                for name, path in keys.items():
                    send(client, params["bucket"], name, path)
        module.exit_json(**answer(keys, len(files)))
    except s3_storage.StorageError as error:
        if module.check_mode:
            # Bucket and key may be what an earlier task would have made.
            module.exit_json(**answer(files, len(files)), msg=f"Would copy everything, for now: {error}")
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"Cannot read {error.filename or folder}: {error.strerror}.")


if __name__ == "__main__":
    main()
