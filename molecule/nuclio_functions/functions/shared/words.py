"""Shared by the test functions, to show that further folders reach the build context."""


def greeting():
    """Say hello."""
    return "hello"
