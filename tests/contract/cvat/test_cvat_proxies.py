"""The two proxies of the stand-in, their rules alone: no container is needed."""

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "stand_ins/cvat"


def module(path: str) -> ModuleType:
    """Load a program of the stand-in as a module."""
    loader = SourceFileLoader(Path(path).stem, str(FOLDER / path))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    loaded = importlib.util.module_from_spec(spec)
    __import__("sys").modules[loader.name] = loaded
    loader.exec_module(loaded)
    return loaded


smokescreen = module("proxy/smokescreen.py")
traefik = module("services/traefik.py")

HOST = "{ req.hdr(host),host_only,lower -m str -- 'lab' }"


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ("", "Deny: Private Range"),
        ("--allow-address=172.20.0.20", None),
        ("--allow-address 172.20.0.20", None),
        ("--allow-address=172.20.0.20:9000", None),
        ("--allow-address=172.20.0.20:80", "Deny: Private Range"),
        ("--allow-address=172.20.0.2", "Deny: Private Range"),
        ("--allow-range=172.20.0.0/24", None),
        ("--allow-range=172.20.0.0/24 --deny-address=172.20.0.20", "Deny: User Configured"),
        ("--unsafe-allow-private-ranges", None),
    ],
)
def test_smokescreen_knows_its_options(options: str, refused: str | None) -> None:
    assert smokescreen.rules_from(options).refusal("172.20.0.20", 9000) == refused


@pytest.mark.parametrize("ip", ["127.0.0.1", "169.254.169.254", "0.0.0.0", "::1"])
def test_smokescreen_never_guesses_loopback_and_link_local(ip: str) -> None:
    assert smokescreen.rules_from("--unsafe-allow-private-ranges").refusal(ip, 80) == "Deny: Not Global Unicast"


def test_smokescreen_lets_public_addresses_pass() -> None:
    assert smokescreen.rules_from("").refusal("8.8.8.8", 443) is None


@pytest.mark.parametrize("options", ["--allow-address=minio", "--allow-everything", "--allow-range=172.20.0.1/24"])
def test_smokescreen_ends_on_what_it_does_not_understand(options: str) -> None:
    with pytest.raises(SystemExit):
        smokescreen.rules_from(options)


A, B = "{ path -m beg -- '/a' }", "{ path -m beg -- '/b' }"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("Host(`LAB`)", [HOST]),
        ("Host(`lab`) && PathPrefix(`/a`)", [f"{HOST} {A}"]),
        ("Host(`lab`) && (PathPrefix(`/a`) || PathPrefix(`/b`))", [f"{HOST} {A}", f"{HOST} {B}"]),
        ("PathPrefix(`/a`) && Host(`lab`) || PathPrefix(`/b`)", [f"{A} {HOST}", B]),
        ("(Host(`lab`) || PathPrefix(`/a`)) && PathPrefix(`/b`)", [f"{HOST} {B}", f"{A} {B}"]),
        ("HostRegexp(`.+`)", ["{ req.hdr(host),host_only,lower -m reg -- '.+' }"]),
    ],
)
def test_traefik_rules_become_conditions(rule: str, expected: list[str]) -> None:
    assert traefik.conditions(rule) == expected


@pytest.mark.parametrize("rule", ["Host(lab)", "Host(`a`) &&", "(Host(`a`)", "Host(`a`) Host(`b`)", "Wrong(`a`)", ""])
def test_traefik_says_which_rule_it_cannot_read(rule: str) -> None:
    with pytest.raises(ValueError, match=r"rule|matcher|bracket"):
        traefik.conditions(rule)
