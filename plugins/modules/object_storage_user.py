#!/usr/bin/python
"""Ansible module: a user of the object storage with one policy."""

from __future__ import annotations

DOCUMENTATION = r"""
module: object_storage_user
short_description: Make a user of MinIO or its successors who may do exactly what a policy says
version_added: 0.1.0
description:
  - Makes the user, its policy, and takes away every other policy that the user has.
  - The user's secret key is tried on the server; when the server holds another one, it gets the one of the file.
  - Talks to the server through the client C(mc) in its own container.
  - A separate user, not a service account of root, whose restrictions had a hole (CVE-2025-62506).
requirements: [boto3, docker]
options:
  access_key_file:
    description: File with the user's name (access key).
    type: path
    required: true
  secret_key_file:
    description: File with the user's secret key, 8 to 40 characters.
    type: path
    required: true
  policy_name:
    description: Name of the policy.
    type: str
    required: true
  policy:
    description: What the user may do, as an IAM policy document.
    type: dict
    required: true
  container:
    description: Name of the server's container.
    type: str
    default: minio
  endpoint:
    description: Address of the S3 server as the host reaches it; the user's key is tried there.
    type: str
    default: http://127.0.0.1:9000
  user_file:
    description: File with the name of the root account.
    type: path
    required: true
  password_file:
    description: File with the root account's password.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: On a host where nothing is yet, it says that the user would be made.
  diff_mode:
    support: full
    description: Shows what the policy allows. Keys are not shown.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Make the user that reads one bucket
  annotation.server.object_storage_user:
    user_file: /etc/annotation-server/secrets/object_storage_root_user
    password_file: /etc/annotation-server/secrets/object_storage_root_password
    access_key_file: /etc/annotation-server/secrets/object_storage_reader_access_key
    secret_key_file: /etc/annotation-server/secrets/object_storage_reader_secret_key
    policy_name: reader
    policy:
      Version: "2012-10-17"
      Statement:
        - {Effect: Allow, Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::pictures/*"]}
"""

RETURN = r"""
created:
  description: Whether the user was made, or would be in check mode.
  type: bool
  returned: success
rekeyed:
  description: Whether an existing user got the secret key of the file. What uses the key must be told the new one.
  type: bool
  returned: success
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.annotation.server.plugins.module_utils import minio_admin, s3_storage

FILES = ("user_file", "password_file", "access_key_file", "secret_key_file")


def secret_fits(endpoint: str, key: str, secret: str) -> bool:
    """Tell whether the server knows this key with this secret."""
    try:
        s3_storage.connect(endpoint, key, secret).list_buckets()
    except s3_storage.ClientError as error:
        # That it may not list buckets means that the server knows who is asking.
        return s3_storage.code_of(error) not in ("SignatureDoesNotMatch", "InvalidAccessKeyId")
    return True


def ensure(module: AnsibleModule, admin: minio_admin.MinioAdmin, key: str, secret: str) -> dict[str, Any]:
    """Bring user and policy to the wanted state and return the module's answer."""
    name, document = module.params["policy_name"], module.params["policy"]
    user, policy = admin.user(key), admin.policy(name)
    have = user["policies"] if user else []
    same = policy is not None and s3_storage.canonical(policy) == s3_storage.canonical(document)
    fits = user is not None and user["enabled"] and secret_fits(module.params["endpoint"], key, secret)
    if not module.check_mode:
        # The policy first: a user never has more rights than wanted in between.
        if not same:
            admin.put_policy(name, document)
        if not fits:
            admin.put_user(key, secret)
        if name not in have:
            admin.attach(name, key)
        for other in have:
            if other != name:
                admin.detach(other, key)
    before = {"user": bool(user), "key_works": fits, "policies": have, name: policy}
    after = {"user": True, "key_works": True, "policies": [name], name: policy if same else document}
    return {
        "changed": before != after,
        "created": user is None,
        "rekeyed": user is not None and not fits,
        "diff": {
            part: json.dumps(state, indent=2, sort_keys=True) + "\n"
            for part, state in (("before", before), ("after", after))
        },
    }


def main() -> None:
    """Read the arguments, decide, act, answer."""
    module = AnsibleModule(
        argument_spec={
            **{name: {"type": "path", "required": True, "no_log": False} for name in FILES},
            "policy_name": {"type": "str", "required": True},
            "policy": {"type": "dict", "required": True},
            "container": {"type": "str", "default": "minio"},
            "endpoint": {"type": "str", "default": "http://127.0.0.1:9000"},
        },
        supports_check_mode=True,
    )
    params = module.params

    def run(command: list[str], environment: dict[str, str], data: str) -> tuple[int, str, str]:
        return module.run_command(command, environ_update=environment, data=data, binary_data=True)

    not_there_yet = {
        "changed": True,
        "created": True,
        "rekeyed": False,
        "msg": "Would make the user and its policy; the object storage does not run yet.",
    }
    try:
        secrets = {name: s3_storage.read_secret(params[name]) for name in FILES}
        missing = [params[name] for name, value in secrets.items() if value is None]
        if module.check_mode and (missing or s3_storage.BOTO3_ERROR or not module.get_bin_path("docker")):
            module.exit_json(**not_there_yet)
        if s3_storage.BOTO3_ERROR:
            module.fail_json(msg=missing_required_lib("boto3"), exception=str(s3_storage.BOTO3_ERROR))
        if missing:
            module.fail_json(msg=f"{', '.join(missing)} is missing. Run the stage cvat, then the stage object_storage.")
        user, password, key, secret = (str(secrets[name]) for name in FILES)
        module.no_log_values.update((password, secret))
        admin = minio_admin.MinioAdmin(run, params["container"], user, password)
        with s3_storage.explained(params["endpoint"], f"key of {params['access_key_file']}"):
            module.exit_json(**ensure(module, admin, key, secret))
    except minio_admin.AdminRefusal as refusal:
        module.fail_json(msg=str(refusal))
    except s3_storage.StorageError as error:
        if module.check_mode and (error.unreachable or "does not run" in str(error)):
            module.exit_json(**not_there_yet)
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
