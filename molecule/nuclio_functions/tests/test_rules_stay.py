"""What keeps models from the dashboard, after whatever empties the packet filter. Run last: Docker is restarted."""

from __future__ import annotations

import pytest

ASK = 'import socket; socket.create_connection(("172.20.1.5", 8070), 2)'


def reaches_dashboard(host) -> bool:
    return host.run(f"docker exec nuclio-nuclio-hello python -c '{ASK}'").rc == 0


def tables(host) -> list[str]:
    return sorted(line for line in host.check_output("nft list tables").splitlines() if "annotation_server" in line)


@pytest.mark.parametrize("how", ["start nftables", "reload nftables", "restart docker"])
def test_the_rules_stay(host, how: str) -> None:
    before = tables(host)
    assert before == ["table bridge annotation_server_functions", "table inet annotation_server_functions"]
    host.check_output(f"systemctl {how}")
    assert tables(host) == before
    host.check_output("timeout 60 sh -c 'until docker exec nuclio-nuclio-hello true; do sleep 1; done' 2>/dev/null")
    assert not reaches_dashboard(host)


def test_it_is_the_rules_that_keep_models_away(host) -> None:
    host.check_output("systemctl stop annotation-server-functions")
    assert reaches_dashboard(host)
    assert not tables(host)
