"""Errors as nuctl reports them: exit code 1 always; only "not found" and the like are written to standard output."""

from __future__ import annotations


class NuclioError(Exception):
    """A failure with its causes, outermost first; written to standard error."""

    def __init__(self, message: str, *causes: str):
        super().__init__(message)
        self.causes = causes

    def stack(self) -> str:
        """Return the text that nuctl writes: the root cause, then the call stack."""
        chain = [str(self), *self.causes]
        return "\nError - {}\n\nCall stack:\n{}\n".format(chain[-1], "\n".join(reversed(chain)))


class StatusError(NuclioError):
    """An error with an HTTP status: nuctl writes its words to standard output, without a newline."""

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


def not_found(message: str) -> StatusError:
    """Return the error for something that does not exist."""
    return StatusError(message, 404)


def precondition_failed(message: str) -> StatusError:
    """Return the error for something that may not be done now."""
    return StatusError(message, 412)
