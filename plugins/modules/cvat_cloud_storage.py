#!/usr/bin/python
"""Ansible module: a bucket registered in CVAT."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cvat_cloud_storage
short_description: Register a bucket in CVAT as cloud storage
version_added: 0.1.0
description:
  - Registers a bucket of an S3 server, brings the registration up to date, or removes it. The bucket is not touched.
  - A storage is found by its display name. CVAT keeps no name unique; of several, one of the same bucket is taken.
  - CVAT never says which key it has. It is given the key again when it cannot reach the bucket, and when the key is not
    the one that it was given last, which O(state_file) remembers as a salted hash.
  - Afterwards CVAT must reach the bucket, or the module fails with the cure.
options:
  display_name:
    description: Name in CVAT, up to 63 characters.
    type: str
    required: true
  bucket:
    description: Name of the bucket. Needed unless O(state=absent).
    type: str
    default: ""
  endpoint:
    description: Address of the S3 server as CVAT's containers reach it.
    type: str
    default: http://minio:9000
  region:
    description: Region of the bucket.
    type: str
    default: us-east-1
  prefix:
    description: Only objects whose names begin with this are shown. Empty shows all.
    type: str
    default: ""
  description:
    description: Text beside the name in CVAT.
    type: str
    default: ""
  access_key_file:
    description: File with CVAT's access key, up to 40 characters. Needed unless O(state=absent).
    type: path
  secret_key_file:
    description: File with CVAT's secret key, up to 64 characters. Needed unless O(state=absent).
    type: path
  state:
    description: Whether the registration should be there.
    type: str
    choices: [present, absent]
    default: present
  state_file:
    description: File on the host that remembers which key CVAT was given. Empty relies on what CVAT says of the bucket.
    type: path
  url:
    description: Address of CVAT as the host reaches it.
    type: str
    default: http://127.0.0.1:8080
  host:
    description: The name under which CVAT's own proxy knows CVAT (C(CVAT_HOST)).
    type: str
    default: localhost
  ca_path:
    description: File with the authority's certificate for https. Empty uses the system's authorities.
    type: path
  user:
    description: User of CVAT who owns the storage.
    type: str
    default: admin
  password_file:
    description: File with that user's password. Needed unless O(token_file) is given.
    type: path
  token_file:
    description: File with a personal access token, instead of user and password.
    type: path
  patience:
    description: Seconds to wait for CVAT while it starts.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
    description: On a host where CVAT does not run yet, it says that the storage would be registered.
  diff_mode:
    support: full
    description: Shows all fields but the key.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Register the bucket in CVAT
  annotation.server.cvat_cloud_storage:
    display_name: Pictures
    bucket: cvat-storage
    host: cvat.example.org
    password_file: /etc/annotation-server/secrets/cvat_superuser_password
    access_key_file: /etc/annotation-server/secrets/object_storage_cvat_access_key
    secret_key_file: /etc/annotation-server/secrets/object_storage_cvat_secret_key
    state_file: /var/lib/annotation-server/cloud-storages.json
"""

RETURN = r"""
id:
  description: CVAT's number of the storage.
  type: int
  returned: when it is or was there
status:
  description: What CVAT says of the bucket.
  type: str
  returned: when it is there
  sample: AVAILABLE
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import (
    cloud_storages,
    key_fingerprint,
    secret_file,
)
from ansible_collections.annotation.server.plugins.module_utils.cvat_api import CvatClient, CvatError

ARGUMENTS = {
    "display_name": {"type": "str", "required": True},
    "bucket": {"type": "str", "default": ""},
    "endpoint": {"type": "str", "default": "http://minio:9000"},
    "region": {"type": "str", "default": "us-east-1"},
    "prefix": {"type": "str", "default": ""},
    "description": {"type": "str", "default": ""},
    "access_key_file": {"type": "path", "no_log": False},
    "secret_key_file": {"type": "path", "no_log": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "state_file": {"type": "path"},
    "url": {"type": "str", "default": "http://127.0.0.1:8080"},
    "host": {"type": "str", "default": "localhost"},
    "ca_path": {"type": "path"},
    "user": {"type": "str", "default": "admin"},
    "password_file": {"type": "path", "no_log": False},
    "token_file": {"type": "path", "no_log": False},
    "patience": {"type": "int", "default": 60},
}


class Registration:
    """One cloud storage: what is there, what is wanted, and the way between."""

    def __init__(self, module: AnsibleModule, client: CvatClient, key: str, secret: str) -> None:
        self.module = module
        self.client = client
        self.params: dict[str, Any] = module.params
        self.key = key
        self.secret = secret
        self.state_file = Path(self.params["state_file"]) if self.params["state_file"] else None

    def find(self) -> dict[str, Any] | None:
        """Return the storage of this name, with a warning when there are several."""
        found, warning = cloud_storages.choose(
            self.client.list_all(cloud_storages.PATH), self.params["display_name"], self.params["bucket"]
        )
        if warning:
            self.module.warn(warning)
        return found

    def remembered_as(self, identifier: int) -> str:
        """Return the name under which the key of a storage is remembered."""
        return f"{self.params['url']} {identifier}"

    def key_is_current(self, identifier: int) -> bool:
        """Tell whether CVAT was given this very key last; without a file, what CVAT says of the bucket must do."""
        if self.state_file is None:
            return True
        return key_fingerprint.matches(self.state_file, self.remembered_as(identifier), self.key, self.secret)

    def remove(self) -> dict[str, Any]:
        """Remove the registration if it is there."""
        found = self.find()
        if found is None:
            return {"changed": False}
        if not self.module.check_mode:
            self.client.delete(f"{cloud_storages.PATH}/{found['id']}")
            if self.state_file:
                key_fingerprint.forget(self.state_file, self.remembered_as(found["id"]))
        return {
            "changed": True,
            "id": found["id"],
            "diff": {"before": cloud_storages.comparable(found), "after": {}},
        }

    def ensure(self) -> dict[str, Any]:
        """Register the bucket, or bring its registration up to date."""
        found = self.find()
        fields = cloud_storages.wanted_fields(self.params)
        before = cloud_storages.comparable(found) if found else {}
        after = cloud_storages.comparable(fields)
        if found is not None:
            # Text in the diff in place of the key, which must not be in it.
            current = self.key_is_current(found["id"])
            state = cloud_storages.status(self.client, found["id"])
            before |= {"key": "as in the files" if current else "another one", "status": state}
            after |= {"key": "as in the files", "status": cloud_storages.AVAILABLE}
        result: dict[str, Any] = {"changed": before != after, "diff": {"before": before, "after": after}}
        if result["changed"] and not self.module.check_mode:
            found = self.write(found, fields)
        if found is not None:
            result |= {"id": found["id"], "status": state if not result["changed"] else self.checked(found["id"])}
        return result

    def write(self, found: dict[str, Any] | None, fields: dict[str, str]) -> dict[str, Any]:
        """Send all fields and the key."""
        body: dict[str, Any] = {**fields, "key": self.key, "secret_key": self.secret}
        try:
            if found is None:
                stored = self.client.post(cloud_storages.PATH, {**body, "manifests": []})
            else:
                del body["provider_type"]  # cannot be changed
                # CVAT forgets every manifest that is not named again.
                body["manifests"] = found.get("manifests", [])
                stored = self.client.patch(f"{cloud_storages.PATH}/{found['id']}", body)
        except CvatError as error:
            raise CvatError(cloud_storages.refusal(error), error.status, error.body) from error
        if self.state_file:
            key_fingerprint.remember(self.state_file, self.remembered_as(stored["id"]), self.key, self.secret)
        return stored

    def checked(self, identifier: int) -> str:
        """Return AVAILABLE, or fail with the cure; check mode cannot expect it yet."""
        state = cloud_storages.status(self.client, identifier)
        if state != cloud_storages.AVAILABLE and not self.module.check_mode:
            cure = cloud_storages.CURES.get(state, "")
            raise CvatError(f"CVAT says that the bucket '{self.params['bucket']}' is {state}. {cure}")
        return state


def secret_of(module: AnsibleModule, name: str) -> str | None:
    """Return the secret in the file that an option names, and keep it out of every answer."""
    path = module.params[name]
    try:
        value = secret_file.read(Path(path)) if path else ""
    except (secret_file.SecretFileError, OSError) as error:
        module.fail_json(msg=str(error))
    if value is None and not module.check_mode:
        module.fail_json(msg=f"{path} is missing. It is made by the stages cvat and object_storage: run them first.")
    if value:
        module.no_log_values.add(value)
    return value


def main() -> None:
    """Read the arguments, decide, act, answer."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
        required_one_of=[("password_file", "token_file")],
        mutually_exclusive=[("password_file", "token_file")],
        required_if=[("state", "present", ("access_key_file", "secret_key_file"))],
    )
    params = module.params
    present = params["state"] == "present"
    if present and not params["bucket"]:
        module.fail_json(msg="bucket is needed unless state is absent.")
    if not 1 <= len(params["display_name"]) <= 63:
        module.fail_json(msg="display_name must have 1 to 63 characters: CVAT stores no more.")
    password, token = secret_of(module, "password_file"), secret_of(module, "token_file")
    key, secret = secret_of(module, "access_key_file"), secret_of(module, "secret_key_file")
    not_there_yet = {
        "changed": present,
        "msg": f"Would register the bucket {params['bucket']} as '{params['display_name']}'; CVAT does not run yet.",
        "diff": {"before": {}, "after": cloud_storages.comparable(cloud_storages.wanted_fields(params))},
    }
    if password is None or token is None or key is None or secret is None:
        module.exit_json(**not_there_yet)
        return  # for readers and type checkers: exit_json does not come back
    if len(key) > 40 or len(secret) > 64:
        module.fail_json(msg="CVAT takes an access key of up to 40 and a secret key of up to 64 characters.")
    client = CvatClient(
        params["url"],
        host=params["host"],
        username=params["user"],
        password=password,
        token=token,
        patience=0 if module.check_mode else params["patience"],
        ca_path=params["ca_path"] or None,
    )
    registration = Registration(module, client, key, secret)
    try:
        module.exit_json(**(registration.ensure() if present else registration.remove()))
    except CvatError as error:
        if module.check_mode and error.status in (None, 404, 502, 503, 504):
            module.exit_json(**not_there_yet)
        module.fail_json(msg=str(error), status=error.status)


if __name__ == "__main__":
    main()
