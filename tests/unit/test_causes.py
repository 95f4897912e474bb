"""How causes are put in order, and how they are said."""

from __future__ import annotations

from ansible_collections.annotation.server.plugins.module_utils import causes
from ansible_collections.annotation.server.plugins.module_utils.causes import Cause


def cause(key: str, *explains: str, said: str = "somewhere: something", risk: bool = False) -> Cause:
    return Cause(key, f"{key} is wrong.", (said,), "Mend it.", explains=explains, risk=risk)


def found(*given: Cause) -> list[tuple[str, tuple[str, ...]]]:
    findings = causes.find({}, [lambda facts: given])
    return [(each.cause.key, each.consequences) for each in findings]


def test_what_follows_from_another_is_listed_under_it() -> None:
    first, second = cause("cvat.down"), cause("docker.down", "cvat.*")
    assert found(first, second) == [("docker.down", ("cvat.down is wrong.",))]


def test_a_chain_is_listed_under_its_beginning() -> None:
    chain = [cause("a", "b"), cause("b", "c"), cause("c")]
    assert found(*chain) == [("a", ("b is wrong.", "c is wrong."))]
    assert found(*reversed(chain))[0][0] == "a"


def test_of_two_that_explain_each_other_the_more_fundamental_stays() -> None:
    assert found(cause("a", "b"), cause("b", "a")) == [("a", ("b is wrong.",))]


def test_independent_ones_are_all_named_and_risks_come_last() -> None:
    names = [key for key, _ in found(cause("risk", risk=True), cause("a"), cause("b"))]
    assert names == ["a", "b", "risk"]


def test_evidence_points_to_what_it_speaks_of() -> None:
    full = cause("disk.full./", "sign:no_space")
    ended = cause("container.stopped.cvat_db", said="docker logs cvat_db: FATAL: No space left on device")
    other = cause("container.stopped.nuclio", said="docker logs nuclio: Received signal")
    assert [key for key, _ in found(full, ended, other)] == ["disk.full./", "container.stopped.nuclio"]


def test_signs_tell_addresses_from_ports() -> None:
    port = cause("a", said="docker inspect traefik: listen tcp4 0.0.0.0:8080: bind: address already in use")
    address = cause("b", said="docker inspect traefik: Address already in use")
    assert port.signs() == {"sign:port_taken"} and address.signs() == {"sign:address_taken"}


def test_evidence_is_one_line() -> None:
    assert causes.line("a\n  b") == "a b"
    assert len(causes.line("x" * 1000)) == causes.LONGEST


def test_the_answer_is_said_in_order() -> None:
    wrong = Cause("a", "A is wrong.", ("docker ps: a",), "Mend a.", "People notice.", explains=("b",))
    lines = causes.in_words(
        causes.find({}, [lambda facts: [wrong, cause("b"), Cause("c", "C may be.", ("x: c",), "Mend c.", risk=True)]])
    )
    assert lines == [
        "1. A is wrong.",
        "   seen:    docker ps: a",
        "   effect:  People notice.",
        "   follows: b is wrong.",
        "   cure:    Mend a.",
        "",
        "Not wrong now, and worth knowing:",
        "",
        "2. C may be.",
        "   seen:    x: c",
        "   cure:    Mend c.",
    ]
