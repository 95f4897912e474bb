"""CVAT's REST API, as far as this project uses it. The only place that speaks to it.

Standard library and ansible.module_utils only, so that it runs on any target. Paths, fields and status codes as in
CVAT 2.80 (https://docs.cvat.ai/docs/api_sdk/).
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode

from ansible.module_utils.urls import ConnectionError as UrlsConnectionError
from ansible.module_utils.urls import open_url

ACCEPT = "application/vnd.cvat+json"
PAGE_SIZE = 100
# While CVAT starts, Traefik answers in its place with one of these.
NOT_READY = (502, 503, 504)
ENDED = ("finished", "failed")
LOGIN = "/api/auth/login"


class CvatError(Exception):
    """CVAT refused, or did not answer.

    Attributes:
        status: the HTTP status; None when there was no answer at all.
        body: what CVAT said, as text; empty without an answer.
        cure: what to do, when a check ends with it.
    """

    cure = "See 'docker logs cvat_server' on the server."

    def __init__(self, message: str, status: int | None = None, body: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body = body


def explain(body: str) -> str:
    """Return CVAT's own words from the body of a refusal: plain text, ``{"detail": ...}`` or ``{field: [...]}``."""
    try:
        answer = json.loads(body)
    except ValueError:
        # A page of Traefik or nginx helps nobody.
        return "" if body.lstrip().startswith("<") else body.strip()[:500]
    if isinstance(answer, dict):
        parts = []
        for field, value in answer.items():
            text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
            parts.append(text if field in ("detail", "non_field_errors") else f"{field}: {text}")
        return "; ".join(parts)
    return " ".join(map(str, answer)) if isinstance(answer, list) else str(answer)


class CvatClient:
    """A logged-in user of one CVAT server. Logs in with the first request."""

    def __init__(
        self,
        url: str,
        host: str = "",
        username: str = "",
        password: str = "",
        token: str = "",
        timeout: float = 60,
        patience: float = 0,
        ca_path: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
        stateless: bool = False,
    ) -> None:
        """Take address and credentials; nothing is asked yet.

        Args:
            url: where the server is reached, for example ``http://127.0.0.1:8080``.
            host: name in the ``Host`` header, when Traefik knows CVAT under another name than the one in ``url``.
            username: user to log in as, with ``password``.
            password: that user's password.
            token: personal access token, instead of user and password.
            timeout: seconds that one answer may take.
            patience: seconds to go on asking while CVAT is starting (no connection, or 502 to 504).
            ca_path: file with extra certificate authorities for https.
            sleep: waits, in seconds; replaced by tests.
            stateless: send the password with each request, which is slower and leaves no session and no token in CVAT.
        """
        self.url = url.rstrip("/")
        self.username = username
        self._password = password
        self._timeout = timeout
        self._patience = patience
        self._ca_path = ca_path
        self._sleep = sleep
        self._host = host
        self._authorization = f"Bearer {token}" if token else ""
        if stateless and not token:
            self._authorization = self._basic()

    def get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        """Return the parsed answer of a GET."""
        return self._ask("GET", path, query)

    def post(self, path: str, body: dict[str, Any], query: dict[str, Any] | None = None) -> Any:
        """Return the parsed answer of a POST; None when it is empty."""
        return self._ask("POST", path, query, body)

    def patch(self, path: str, body: dict[str, Any], query: dict[str, Any] | None = None) -> Any:
        """Change fields of an object and return it."""
        return self._ask("PATCH", path, query, body)

    def delete(self, path: str) -> None:
        """Delete an object."""
        self._ask("DELETE", path)

    def download(self, path: str, query: dict[str, Any] | None = None) -> bytes:
        """Return the bytes of a file: a frame, or an export."""
        return self._ask("GET", path, query, parse=bytes)

    def list_all(self, path: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the objects of every page."""
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            # By number: the link to the next page has the Host header's name, which need not be reachable from here.
            answer = self.get(path, {**(query or {}), "page": page, "page_size": PAGE_SIZE})
            found.extend(answer["results"])
            if not answer.get("next"):
                return found
            page += 1

    def wait_for_request(self, request_id: str, timeout: float = 120, kind: str = "/api/requests") -> dict[str, Any]:
        """Wait until a background request has ended, and return its last state.

        ``status`` in it is ``finished`` or ``failed``; ``message`` says why (of automatic annotation, ``exc_info``).

        Args:
            request_id: what CVAT answered when it was asked for.
            timeout: seconds to wait.
            kind: where it is found; automatic annotation has a place of its own, ``/api/lambda/requests``.

        Raises:
            CvatError: it is unknown, or still runs after ``timeout`` seconds.
        """
        # Identifiers look like "action=create&target=task&id=7": one segment of the path.
        path = f"{kind}/{quote(request_id, safe='')}"
        deadline = time.monotonic() + timeout
        pause = 0.2
        while True:
            state = self.get(path)
            if state["status"] in ENDED:
                return state
            if time.monotonic() + pause > deadline:
                raise CvatError(
                    f"CVAT has not finished {request_id} after {timeout:g} seconds (it is {state['status']})."
                )
            self._sleep(pause)
            pause = min(pause * 1.5, 2.0)

    def log_in(self) -> None:
        """Log in now.

        Raises:
            CvatError: user or password are wrong (status 400 or 403), or CVAT does not answer.
        """
        try:
            answer = self._send("POST", LOGIN, None, {"username": self.username, "password": self._password})
        except CvatError as error:
            if error.status in (400, 401, 403):
                raise CvatError(
                    f"CVAT refuses the user {self.username!r}: {explain(error.body) or error}", error.status, error.body
                ) from error
            raise
        key = answer.get("key") if isinstance(answer, dict) else None
        if key:
            self._authorization = f"Token {key}"
        else:
            # Servers without this kind of token; every request then checks the password, which is slower.
            self._authorization = self._basic()

    def _basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.username}:{self._password}".encode()).decode()

    def _ask(
        self,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        body: Any = None,
        parse: Callable[[bytes], Any] | None = None,
    ) -> Any:
        """Send one request as the logged-in user."""
        if not self._authorization:
            self.log_in()
        return self._send(method, path, query, body, parse)

    def _send(
        self,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        body: Any = None,
        parse: Callable[[bytes], Any] | None = None,
    ) -> Any:
        """Send one request, again while CVAT is starting."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return (parse or _parsed)(self._send_once(method, path, query, body))
            except CvatError as error:
                starting = error.status is None or error.status in NOT_READY
                # A change is not repeated: CVAT may have made it before the answer was lost.
                repeatable = method == "GET" or path == LOGIN
                if not (starting and repeatable) or time.monotonic() > deadline:
                    raise
                self._sleep(2)

    def _send_once(self, method: str, path: str, query: dict[str, Any] | None, body: Any) -> bytes:
        headers = {"Accept": ACCEPT}
        if self._host:
            headers["Host"] = self._host
        if self._authorization:
            headers["Authorization"] = self._authorization
        if body is not None:
            headers["Content-Type"] = "application/json"
        url = self.url + path + (f"?{urlencode(query)}" if query else "")
        try:
            answer = open_url(
                url,
                method=method,
                headers=headers,
                data=None if body is None else json.dumps(body).encode(),
                timeout=self._timeout,
                # The server itself is asked, never a proxy that the host has for the internet.
                use_proxy=False,
                use_netrc=False,
                follow_redirects="safe",
                ca_path=self._ca_path,
                http_agent="annotation.server",
            )
            return answer.read()
        except HTTPError as error:
            text = error.read().decode("utf-8", "replace")
            raise CvatError(
                f"CVAT answered {error.code} to {method} {path}: {explain(text) or error.reason}", error.code, text
            ) from error
        except (UrlsConnectionError, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise CvatError(f"CVAT does not answer at {self.url}: {reason}") from error


def _parsed(content: bytes) -> Any:
    """Return the JSON of an answer; None when it is empty, the text when it is none."""
    if not content:
        return None
    text = content.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except ValueError:
        return text
