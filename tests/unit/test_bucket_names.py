"""Names of buckets: which rule is broken is said, and what S3 accepts is accepted."""

from __future__ import annotations

import re

import pytest
from ansible_collections.annotation.server.plugins.module_utils.bucket_names import problem
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("name", ["cvat-storage", "abc", "a" * 63, "a.b-c.1", "1st", "192.168.0.256", "minio2"])
def test_accepted(name: str) -> None:
    assert problem(name) == ""


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "3 to 63 characters, this has 0"),
        ("ab", "3 to 63 characters, this has 2"),
        ("a" * 64, "3 to 63 characters, this has 64"),
        ("My_Bucket", "only lower-case letters, digits, dots and hyphens, not: B M _"),
        ("straße", "not: ß"),
        ("with space", "only lower-case"),
        ("a/b", "not: /"),
        ("-abc", "begin and end"),
        ("abc.", "begin and end"),
        ("a..b", "a dot beside"),
        ("a.-b", "a dot beside"),
        ("a-.b", "a dot beside"),
        ("192.168.0.1", "look like an address"),
        ("xn--abc", "must not begin with"),
        ("abc-s3alias", "must not end with"),
        ("minio", "reserved by the server"),
    ],
)
def test_refused_with_the_rule(name: str, rule: str) -> None:
    assert rule in problem(name)
    assert f"'{name}'" in problem(name)


@given(st.text(max_size=70))
def test_what_is_accepted_fits_into_an_address(name: str) -> None:
    """Independent of the rules' order: a name that passes has the form of AWS's documented pattern."""
    if not problem(name):
        assert re.fullmatch(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name)
