"""Errors that are the caller's to mend; everything else that is raised is ours."""

from __future__ import annotations


class RequestError(ValueError):
    """A request that cannot be answered.

    Args:
        field: name of the field in the request that is wrong, for example ``pos_points[3]``.
        message: what is wrong with it and what would be right.
        status: HTTP status; 400 malformed, 413 too large, 415 not a picture, 422 well-formed but without meaning.
    """

    def __init__(self, field: str, message: str, status: int = 400) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
        self.status = status
