"""The fault injection's own logic: which faults there are and where they strike, what is the same state, the table."""

from __future__ import annotations

import http.client
import http.server
import threading
from pathlib import Path

import pytest
import yaml

from demo import settings
from demo.shell import Failed
from tests.faults import data, journal, look, proxy, trial
from tests.faults.catalogue import FAULTS, KILLED, SHORT, Fault
from tests.faults.journal import Entry
from tests.faults.playbook import Event, Playbook
from tests.faults.stages import STAGES
from tests.faults.state import differences

REFERENCE = trial.Reference(
    [Event("task", "Gathering Facts", 1), Event("task", "storage : Mount", 3), Event("task", "storage : Make", 7)],
    9,
    {},
)


def test_there_are_many_distinct_faults_and_five_for_every_stage_of_the_site() -> None:
    ids = [fault.id for fault in FAULTS]
    assert len(ids) == len(set(ids)) >= 60
    site = yaml.safe_load((settings.REPOSITORY / "playbooks/site.yml").read_text())
    stages = {Path(play["ansible.builtin.import_playbook"]).stem for play in site}
    # packages is what comes before every stage that installs something, and is tried with those; bundle is for servers
    # without internet (scenario offline).
    assert stages == {*STAGES, "packages", "bundle"}
    for stage in STAGES:
        assert sum(fault.stage == stage for fault in FAULTS) >= 5, stage


def test_every_kind_of_fault_is_tried() -> None:
    kinds = {fault.kind for fault in FAULTS}
    assert kinds >= {"kill", "power cut", "restart", "disk full", "network cut", *proxy.KINDS}
    assert kinds >= {f"docker {verb}" for verb in ("killed", "restarted", "stopped")}


def test_a_fault_names_a_part_of_its_stage_that_can_be_undone() -> None:
    for fault in FAULTS:
        assert fault.undo in STAGES[fault.stage].undo, fault.id


def test_the_short_form_is_a_part_of_the_long_one_on_one_host() -> None:
    assert 6 <= len(SHORT) <= 10
    assert {fault.id for fault in SHORT} <= {fault.id for fault in FAULTS}
    assert len({STAGES[fault.stage].host for fault in SHORT}) == 1


def test_a_place_is_drawn_by_seed_and_stays() -> None:
    fault = Fault("storage", "kill")
    assert trial.place(fault, REFERENCE, 1) == trial.place(fault, REFERENCE, 1)
    assert {trial.place(fault, REFERENCE, seed)[0] for seed in range(20)} == {1, 2}
    number, moment = trial.place(Fault("storage", "kill", when="within"), REFERENCE, 1)
    assert number == 0
    assert moment is not None
    assert 0 <= moment <= 6


def test_a_named_place_is_before_or_within_that_task() -> None:
    assert trial.place(Fault("storage", "kill", "Mount"), REFERENCE, 1) == (1, None)
    number, moment = trial.place(Fault("storage", "kill", "Mount", "within"), REFERENCE, 1)
    assert number == 1
    assert moment is not None
    assert 0.8 <= moment <= 3.2
    with pytest.raises(Failed, match="has no task 'Unmount"):
        trial.place(Fault("storage", "kill", "Unmount"), REFERENCE, 1)


def test_a_run_that_was_not_killed_is_not_what_a_kill_expects() -> None:
    run = Playbook([], [], "", {}, Path())
    for status, expected in ((-9, True), (0, False), (2, False)):
        run.status = status
        assert trial.as_expected(Fault("storage", "kill", ends=KILLED), run) is expected


def test_differences_name_what_is_missing_besides_or_other() -> None:
    wanted = {"file a": {"mode": "0o644", "owner": "0:0"}, "package b": "1 ii", "unit c": "active"}
    found = {"file a": {"mode": "0o600", "owner": "0:0"}, "unit c": "active", "file a.partial": {}}
    assert differences(wanted, found) == [
        "file a.partial is there besides",
        "file a: mode 0o600 instead of 0o644",
        "package b is missing",
    ]
    assert differences(wanted, dict(wanted)) == []


def test_a_picture_of_a_host_has_no_times_and_numbers() -> None:
    told = {"made": "2026-11-26", "packages": ["a"], "runs": [{"id": 7, "name": "x"}]}
    assert look.without_times(told) == {"packages": ["a"], "runs": [{"name": "x"}]}
    assert look.addresses({"IPAMConfig": {"IPv4Address": "172.20.0.5"}}) == "172.20.0.5"
    assert look.addresses({"IPAMConfig": {"IPv4Address": "172.20.0.131"}}) == "one of the range"
    assert look.addresses({"IPAMConfig": None}) == ""


def test_what_a_file_holds_counts_but_not_what_is_random_in_it(tmp_path: Path) -> None:
    plain, key, damaged = tmp_path / "a.conf", tmp_path / "a.key", tmp_path / "a.json"
    plain.write_text("one")
    first = look.content(plain)
    plain.write_text("two")
    assert look.content(plain) != first
    key.write_text("-----BEGIN PRIVATE KEY-----\nrandom")
    assert look.content(key) == "a private key"
    damaged.write_text("{")
    assert look.content(damaged) != look.content(plain)


def test_lost_data_are_noticed() -> None:
    host = STAGES["storage"].host
    before = dict.fromkeys(data.KEYS[host.image], 1)
    assert data.lost(host, before, dict(before)) == []
    first = next(iter(before))
    assert data.lost(host, before, {**before, first: 2}) == [first]
    assert data.lost(host, before, {}) == list(before)


def test_the_journal_survives_a_line_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "journal" / "long-1.jsonl"
    assert journal.read(path) == []
    journal.write(path, Entry("a", "storage", 1, fired="yes"))
    with path.open("a") as handle:
        handle.write('{"fault": "b", "sta')
    journal.write(path, Entry("c", "storage", 1))
    assert [entry.fault for entry in journal.read(path)] == ["a", "c"]
    journal.write(path, Entry("a", "storage", 1, fired="again"))
    journal.write(path, Entry("a", "storage", 2))
    assert journal.latest(journal.read(path), 1)["a"].fired == "again"


def test_the_table_counts_only_what_fired_and_healed() -> None:
    good = Entry("a", "storage", 1, "SIGKILL", "killed at 'x'", True, "ok", 12)
    bad = Entry("b|c", "storage", 1, "", "ok", False, "ok", 30, ["1", "2", "3", "4"], ["volume v"])
    assert good.good
    assert not bad.good
    text = journal.table([good, bad])
    assert "2 faults tried, 1 fired, 1 healed by one plain run." in text
    assert "| b\\|c | did NOT fire | ok (NOT expected) | ok, 30 s | NO | LOST volume v; 1; 2; and 2 more |" in text
    assert "12 s in the middle, 12 s at most" in text


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("truncated", b"abcde"), ("corrupted", b"abcde" + bytes([ord("f") ^ 0xFF]) + b"ghij"), ("", b"abcdefghij")],
)
def test_answers_are_spoiled_in_the_middle(kind: str, expected: bytes) -> None:
    assert b"".join(proxy.spoiled(iter([b"abc", b"defg", b"hij"]), 10, kind)) == expected


@pytest.mark.parametrize(("kind", "status"), [("404", 404), ("500", 500), ("slow", 200), ("", 200)])
def test_the_proxy_passes_on_what_no_fault_names_and_counts_the_rest(kind: str, status: int) -> None:
    class Upstream(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"right")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Upstream) as upstream, proxy.proxy("127.0.0.1") as server:
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        server.wrong = proxy.Wrong(kind, "/spoiled", times=1, seconds=0) if kind else None
        answers = []
        for path in ("/plain", "/spoiled", "/spoiled"):
            client = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
            client.request("GET", path, headers={"Host": f"127.0.0.1:{upstream.server_address[1]}"})
            answers.append(client.getresponse().status)
            client.close()
        upstream.shutdown()
        assert answers == [200, status, 200]
        assert server.wrong is None or len(server.wrong.met) == 1


def test_a_run_tells_what_failed_and_where(tmp_path: Path) -> None:
    run = Playbook([], [], "", {}, tmp_path / "log")
    run.events = [Event("task", "a", 1), Event("failed", "a", 2, "No space left on device"), Event("task", "b", 3)]
    run.status = 2
    assert run.end() == "failed at 'a'"
    assert run.complaints() == "No space left on device"
    run.status = -9
    assert run.end() == "killed at 'b'"
