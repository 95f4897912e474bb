"""Users and policies of MinIO and its successors, through the client `mc` that lies in the server's own image.

MinIO's admin API encrypts its bodies with the caller's password (Argon2id, AES-GCM), which no Python package of the
distributions speaks; the client in the image always fits its server. Keys travel in the environment and on standard
input, never on a command line.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.annotation.server.plugins.module_utils.s3_storage import StorageError

# (arguments, environment, standard input) -> exit status, output, errors
Run = Callable[[list[str], dict[str, str], str], "tuple[int, str, str]"]

ALIAS = "annotation"
NO_USER, NO_POLICY = "XMinioAdminNoSuchUser", "XMinioAdminNoSuchPolicy"
ALREADY = "XMinioAdminPolicyChangeAlreadyApplied"
WRONG_KEY = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied")


class AdminRefusal(StorageError):
    """mc ended with an error; ``code`` is the server's, or empty."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


def last_document(output: str) -> dict[str, Any]:
    """Return the last JSON object of an output; mc prints one or more, over several lines."""
    decoder, position = json.JSONDecoder(), output.find("{")
    found: dict[str, Any] = {}
    while position >= 0:
        try:
            found, end = decoder.raw_decode(output, position)
        except ValueError:
            break
        position = output.find("{", end)
    return found


class MinioAdmin:
    """The administrator's view of one server, in its container."""

    def __init__(self, run: Run, container: str, user: str, password: str, url: str = "http://127.0.0.1:9000") -> None:
        """Take what is needed to ask; nothing is asked yet.

        Args:
            run: runs a command on the host.
            container: name of the server's container.
            user: root account.
            password: its password.
            url: the server as seen inside its container.

        Raises:
            StorageError: mc could not read the root account: its variable is split at colons.
        """
        if ":" in user + password:
            raise StorageError(
                "The object storage's root user and password must not hold a colon: mc cannot read them."
            )
        self._run = run
        self._container = container
        parts = urlsplit(url)
        self._environment = {f"MC_HOST_{ALIAS}": f"{parts.scheme}://{user}:{password}@{parts.netloc}"}

    def ask(self, *arguments: str, data: str = "") -> dict[str, Any]:
        """Run one command of mc and return what it says.

        Raises:
            AdminRefusal: the server refused.
            StorageError: there is no such container, no mc in it, or no Docker.
        """
        names = [option for name in self._environment for option in ("-e", name)]
        command = ["docker", "exec", "-i", *names, "-e", "MC_CONFIG_DIR=/tmp/.mc", self._container]
        status, out, err = self._run([*command, "mc", "--json", *arguments], self._environment, data)
        answer = last_document(out)
        if status == 0 and answer.get("status") != "error":
            return answer
        error = answer.get("error")
        if not isinstance(error, dict):
            raise StorageError(self._no_client(err or out))
        cause = error.get("cause", {})
        code = (cause.get("error") or {}).get("Code", "") if isinstance(cause.get("error"), dict) else ""
        words = f"{error.get('message', '')}: {cause.get('message', '')}"
        if code in WRONG_KEY:
            raise AdminRefusal(
                f"The object storage refuses its root account ({code}). The container {self._container} reads the root "
                "account's files at its start: put the right user and password there, or restart it after a change.",
                code,
            )
        raise AdminRefusal(f"The object storage refuses: {words}", code)

    def _no_client(self, said: str) -> str:
        said = said.strip()
        if "No such container" in said or "is not running" in said:
            return f"The container {self._container} does not run. Run the stage cvat first ({said})."
        if "executable file not found" in said:
            return (
                f"The image of the container {self._container} has no client 'mc', which is needed to make users. "
                f"Choose an image that has it (cvat_object_storage_image), such as pgsty/silo ({said})."
            )
        return f"mc in the container {self._container} failed: {said[-500:]}"

    def user(self, key: str) -> dict[str, Any] | None:
        """Return ``{"enabled": bool, "policies": [...]}`` of a user, or None."""
        try:
            answer = self.ask("admin", "user", "info", ALIAS, key)
        except AdminRefusal as refusal:
            if refusal.code == NO_USER:
                return None
            raise
        policies = [name for name in answer.get("policyName", "").split(",") if name]
        return {"enabled": answer.get("userStatus", "enabled") == "enabled", "policies": sorted(policies)}

    def put_user(self, key: str, secret: str) -> None:
        """Make a user, or give it another secret key; its policies stay."""
        self.ask("admin", "user", "add", ALIAS, key, data=f"{secret}\n")

    def policy(self, name: str) -> dict[str, Any] | None:
        """Return a policy's document, or None."""
        try:
            info = self.ask("admin", "policy", "info", ALIAS, name).get("policyInfo", {})
        except AdminRefusal as refusal:
            if refusal.code == NO_POLICY:
                return None
            raise
        document = info.get("Policy")
        return json.loads(document) if isinstance(document, str) else document

    def put_policy(self, name: str, document: dict[str, Any]) -> None:
        """Make or replace a policy; it holds at once for everybody who has it."""
        self.ask("admin", "policy", "create", ALIAS, name, "/dev/stdin", data=json.dumps(document))

    def attach(self, name: str, key: str) -> None:
        """Give a policy to a user."""
        self._associate("attach", name, key)

    def detach(self, name: str, key: str) -> None:
        """Take a policy from a user."""
        self._associate("detach", name, key)

    def _associate(self, action: str, name: str, key: str) -> None:
        try:
            self.ask("admin", "policy", action, ALIAS, name, "--user", key)
        except AdminRefusal as refusal:
            if refusal.code != ALREADY:
                raise
