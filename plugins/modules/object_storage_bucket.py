#!/usr/bin/python
"""Ansible module: a bucket, and whether everybody may read it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: object_storage_bucket
short_description: Make a bucket and decide who may read it
version_added: 0.1.0
description:
  - Makes a bucket on an S3 server such as MinIO, and sets or takes away public reading. Removes no bucket, no object.
  - Works with every boto3 that the supported distributions ship.
  - The root account is read from files on the host, so that no task carries a secret and errors can be shown.
requirements: [boto3]
options:
  name:
    description: Name of the bucket.
    type: str
    required: true
  endpoint:
    description: Address of the S3 server as the host reaches it.
    type: str
    default: http://127.0.0.1:9000
  user_file:
    description: File with the name (access key) of an account that may make buckets.
    type: path
    required: true
  password_file:
    description: File with that account's password (secret key).
    type: path
    required: true
  public_read:
    description:
      - Whether everybody who reaches the server may read objects whose names they know, without a key.
      - V(false) takes away the policy that V(true) has set. A policy that somebody else has set stays, with a warning.
    type: bool
    default: false
  replace_policy:
    description: Whether a policy that somebody else has set is taken away, or replaced, too.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: On a host where nothing is yet, it says that the bucket would be made.
  diff_mode:
    support: full
    description: Shows whether the bucket exists and who may read it.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Make the bucket
  annotation.server.object_storage_bucket:
    name: cvat-storage
    user_file: /etc/annotation-server/secrets/object_storage_root_user
    password_file: /etc/annotation-server/secrets/object_storage_root_password
"""

RETURN = r"""
created:
  description: Whether the bucket was made, or would be in check mode.
  type: bool
  returned: success
policy:
  description: C(none), C(public_read), or C(other) for one that somebody else has set.
  type: str
  returned: success
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.annotation.server.plugins.module_utils import bucket_names, s3_storage


class Bucket:
    """One bucket, seen with the root account."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name

    def exists(self) -> bool:
        """Tell whether the bucket is there; another owner's is an error."""
        # Asked first because, unlike HeadBucket, it says what is wrong with a key.
        names = [bucket["Name"] for bucket in self.client.list_buckets()["Buckets"]]
        if self.name in names:
            return True
        try:
            self.client.head_bucket(Bucket=self.name)
        except s3_storage.ClientError as error:
            if s3_storage.code_of(error) in ("404", "NoSuchBucket"):
                return False
            if s3_storage.code_of(error) in ("403", "AccessDenied"):
                raise s3_storage.StorageError(
                    f"The bucket '{self.name}' belongs to another account. Choose another name."
                ) from error
            raise
        return True

    def create(self) -> None:
        """Make the bucket; that somebody was quicker is no error."""
        try:
            self.client.create_bucket(Bucket=self.name)
        except s3_storage.ClientError as error:
            if s3_storage.code_of(error) != "BucketAlreadyOwnedByYou":
                raise

    def policy(self) -> str:
        """Return none, public_read or other."""
        policy = s3_storage.bucket_policy(self.client, self.name)
        if not policy or not policy.get("Statement"):
            return "none"
        wanted = s3_storage.canonical(s3_storage.public_policy(self.name))
        return "public_read" if s3_storage.canonical(policy) == wanted else "other"

    def set_public(self, public: bool) -> None:
        """Set or take away our policy."""
        if public:
            self.client.put_bucket_policy(Bucket=self.name, Policy=json.dumps(s3_storage.public_policy(self.name)))
        else:
            self.client.delete_bucket_policy(Bucket=self.name)


def ensure(module: AnsibleModule, bucket: Bucket) -> dict[str, Any]:
    """Bring the bucket to the wanted state and return the module's answer."""
    exists = bucket.exists()
    policy = bucket.policy() if exists else "none"
    wanted = "public_read" if module.params["public_read"] else "none"
    if policy == "other" and not module.params["replace_policy"]:
        if module.params["public_read"]:
            raise s3_storage.StorageError(
                f"The bucket '{bucket.name}' has a policy of its own already, which public reading would replace. "
                "Take it away first ('mc anonymous set none'), or add the public part to it and leave public_read off."
            )
        module.warn(
            f"The bucket '{bucket.name}' has a policy that somebody has set. CVAT derives its rights from the policy, "
            "not from its key: with public reading ('download') it treats the storage as read-only. Take it away with "
            "'mc anonymous set none' if it is not wanted."
        )
        wanted = policy
    if not module.check_mode:
        if not exists:
            bucket.create()
        if policy != wanted:
            bucket.set_public(wanted == "public_read")
    before = {"bucket": bucket.name, "policy": policy} if exists else {}
    after = {"bucket": bucket.name, "policy": wanted}
    return {
        "changed": before != after,
        "created": not exists,
        "policy": wanted,
        "diff": {"before": before, "after": after},
    }


def main() -> None:
    """Read the arguments, decide, act, answer."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "endpoint": {"type": "str", "default": "http://127.0.0.1:9000"},
            "user_file": {"type": "path", "required": True},
            "password_file": {"type": "path", "required": True, "no_log": False},
            "public_read": {"type": "bool", "default": False},
            "replace_policy": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    params = module.params
    not_there_yet = {
        "changed": True,
        "created": True,
        "policy": "public_read" if params["public_read"] else "none",
        "diff": {"before": {}, "after": {"bucket": params["name"]}},
        "msg": f"Would make the bucket {params['name']}; the object storage does not run yet.",
    }
    if problem := bucket_names.problem(params["name"]):
        module.fail_json(msg=problem)
    try:
        user, password = (s3_storage.read_secret(params[name]) for name in ("user_file", "password_file"))
        if module.check_mode and (s3_storage.BOTO3_ERROR or user is None or password is None):
            module.exit_json(**not_there_yet)
        if s3_storage.BOTO3_ERROR:
            module.fail_json(msg=missing_required_lib("boto3"), exception=str(s3_storage.BOTO3_ERROR))
        if user is None or password is None:
            missing = params["user_file"] if user is None else params["password_file"]
            module.fail_json(msg=f"{missing} is missing: the root account is made by the stage cvat. Run it first.")
        module.no_log_values.add(password)
        with s3_storage.explained(params["endpoint"], f"root account (files {params['user_file']} and _password)"):
            client = s3_storage.connect(params["endpoint"], user, password)
            result = ensure(module, Bucket(client, params["name"]))
        module.exit_json(**result)
    except s3_storage.StorageError as error:
        if error.unreachable and module.check_mode:
            module.exit_json(**not_there_yet)
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
