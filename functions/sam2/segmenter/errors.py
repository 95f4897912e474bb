"""Errors that others can mend: who sends a request, or who deploys the function."""

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


class ModelError(RuntimeError):
    """The model cannot be loaded; the message says which setting to change."""


def first_line(error: Exception) -> str:
    """Return what an error says, for a message of one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
