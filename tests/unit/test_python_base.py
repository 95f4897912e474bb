"""The Python stand-in holds what the SAM 2 function asks for."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-sam2.txt"])
def test_the_lists_are_those_of_the_function(name: str) -> None:
    own = REPOSITORY / "tests/stand_ins/python_base" / name
    assert own.read_text() == (REPOSITORY / "functions/sam2/nuclio/build" / name).read_text()
