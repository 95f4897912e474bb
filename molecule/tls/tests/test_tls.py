"""HTTPS as a browser that knows the authority meets it, and as one that does not."""

from __future__ import annotations

import json

import pytest

AUTHORITY = "/etc/annotation-server/tls/authority.crt"
CURL = f"curl -s --cacert {AUTHORITY}"


def test_chain_verifies_with_the_authority_and_only_with_it(host) -> None:
    client = "openssl s_client -connect 127.0.0.1:443 -servername annotation.test -verify_hostname annotation.test"
    assert "Verify return code: 0 (ok)" in host.run(f"{client} -CAfile {AUTHORITY} </dev/null").stdout
    assert "Verify return code: 0 (ok)" not in host.run(f"{client} </dev/null").stdout


@pytest.mark.parametrize("name", ["annotation.test", "localhost", "127.0.0.1"])
def test_page_answers_under_every_name(host, name: str) -> None:
    assert host.check_output(f"{CURL} -o /dev/null -w '%{{http_code}}' https://{name}/") == "200"


def test_an_address_is_certified_too(host) -> None:
    ask = f"{CURL} --connect-to 192.0.2.1:443:127.0.0.1:443 -o /dev/null -w '%{{http_code}}' https://192.0.2.1/"
    assert host.check_output(ask) == "200"


def test_plain_http_is_sent_to_https(host) -> None:
    ask = "curl -s -o /dev/null -w '%{http_code} %{redirect_url}' 'http://annotation.test:8080/tasks?page=2'"
    assert host.check_output(ask) == "301 https://annotation.test/tasks?page=2"


def test_backend_knows_that_people_came_by_https(host) -> None:
    """CVAT builds addresses from X-Forwarded-Proto; one sent by people over plain HTTP does not count."""
    password = "$(cat /etc/annotation-server/secrets/cvat_superuser_password)"
    ask = f"{CURL} -u admin:{password} -H 'X-Forwarded-Proto: http' https://annotation.test/api/users/self"
    assert json.loads(host.check_output(ask))["url"].startswith("https://annotation.test/")


def test_only_cvat_is_open_to_the_network(host) -> None:
    listening = [line.split()[3].rsplit(":", 1) for line in host.check_output("ss -Hltn").splitlines()]
    where = {port: {address for address, number in listening if number == port} for _, port in listening}
    assert where["443"] == where["8080"] == {"0.0.0.0"}
    assert where["8070"] == where["8090"] == {"127.0.0.1"}


def test_keys_are_for_root_only(host) -> None:
    assert host.file("/etc/annotation-server/secrets/tls_authority.key").mode == 0o600
    assert host.file("/etc/annotation-server/tls/server.key").mode == 0o600
    assert "PRIVATE" not in host.file(AUTHORITY).content_string


def test_authority_signs_servers_only(host) -> None:
    text = host.check_output(f"openssl x509 -in {AUTHORITY} -noout -text")
    assert "CA:TRUE, pathlen:0" in text
    server = host.check_output("openssl x509 -in /etc/annotation-server/tls/server.crt -noout -text")
    assert "CA:TRUE" not in server and "TLS Web Server Authentication" in server
