"""What CVAT's key may do and may not, and what CVAT says of the bucket, also after every wrong input."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest
import yaml


class _Loader(yaml.SafeLoader):
    """Reads what Ansible reads."""


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))

BUCKET = "pictures.of-streets"
SECRETS = "/etc/annotation-server/secrets"
GIVEN = yaml.load((Path(__file__).parents[1] / "vars/hostile.yml").read_text(), Loader=_Loader)
SHARE = GIVEN["share"]
# Runs on the host with the boto3 that the role has installed; prints "ok" or the error code.
PROGRAM = """
import boto3, sys
from botocore.config import Config
from botocore.exceptions import ClientError
from pathlib import Path
key, secret = (Path(path).read_text() for path in sys.argv[1:3])
s3 = boto3.client("s3", endpoint_url="http://127.0.0.1:9000", aws_access_key_id=key, aws_secret_access_key=secret,
                  region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
try:
    result = eval(sys.argv[3])
    print("ok", result if isinstance(result, (str, list)) else "")
except ClientError as error:
    print(error.response["Error"]["Code"])
"""


@pytest.fixture(scope="module")
def s3(host):
    def call(expression: str, who: str = "cvat") -> str:
        files = {
            "cvat": ("object_storage_cvat_access_key", "object_storage_cvat_secret_key"),
            "root": ("object_storage_root_user", "object_storage_root_password"),
        }[who]
        paths = [f"{SECRETS}/{name}" for name in files]
        return host.check_output(" ".join(map(shlex.quote, ["python3", "-c", PROGRAM, *paths, expression]))).strip()

    return call


@pytest.fixture(scope="module")
def cvat(host):
    def call(path: str):
        password = host.check_output(f"cat {SECRETS}/cvat_superuser_password")
        return json.loads(
            host.check_output(
                f"curl -sSf -u {shlex.quote('admin:' + password)} -H 'Host: annotation.test' "
                f"{shlex.quote('http://127.0.0.1:8080' + path)}"
            )
        )

    return call


@pytest.mark.parametrize(
    "call",
    [
        "s3.head_bucket(Bucket='{bucket}')",
        "s3.get_bucket_location(Bucket='{bucket}')",
        "s3.list_objects_v2(Bucket='{bucket}')",
        "s3.put_object(Bucket='{bucket}', Key='exports/export.zip', Body=b'zip')",
        "s3.get_object(Bucket='{bucket}', Key='exports/export.zip')",
        "s3.get_object(Bucket='{bucket}', Key='exports/export.zip', Range='bytes=0-1')",
        "s3.create_multipart_upload(Bucket='{bucket}', Key='exports/large.zip')",
    ],
)
def test_cvats_key_can(s3, call: str) -> None:
    assert s3(call.format(bucket=BUCKET)).startswith("ok")


@pytest.mark.parametrize(
    "call",
    [
        "s3.delete_object(Bucket='{bucket}', Key='2026/one.jpg')",
        "s3.delete_bucket(Bucket='{bucket}')",
        "s3.put_bucket_policy(Bucket='{bucket}', Policy='{{}}')",
        "s3.create_bucket(Bucket='of-its-own')",
        "s3.list_objects_v2(Bucket='somebody-elses')",
        "s3.get_object(Bucket='somebody-elses', Key='secret.txt')",
        "s3.put_object(Bucket='somebody-elses', Key='mine.txt', Body=b'')",
    ],
)
def test_cvats_key_cannot(s3, call: str) -> None:
    assert s3("s3.create_bucket(Bucket='somebody-elses')", "root").startswith("ok")
    assert s3("s3.put_object(Bucket='somebody-elses', Key='secret.txt', Body=b'')", "root").startswith("ok")
    assert s3(call.format(bucket=BUCKET)) == "AccessDenied"


def test_cvats_key_sees_no_other_buckets(s3) -> None:
    assert "somebody-elses" not in s3("[bucket['Name'] for bucket in s3.list_buckets()['Buckets']]")


def test_cvats_key_cannot_administer(host) -> None:
    key, secret = (
        host.check_output(f"cat {SECRETS}/object_storage_cvat_{name}") for name in ("access_key", "secret_key")
    )
    asked = host.run(
        f"docker exec -e {shlex.quote(f'MC_HOST_x=http://{key}:{secret}@127.0.0.1:9000')} minio "
        f"mc --json admin user info x {key}"
    )
    assert asked.rc != 0
    assert "AccessDenied" in asked.stdout


def test_a_wrong_key_is_refused(host) -> None:
    asked = host.run("curl -sS -o /dev/null -w '%{http_code}' http://127.0.0.1:9000/" + BUCKET)
    assert asked.stdout == "403"


def test_the_bucket_has_no_policy_from_which_cvat_would_derive_less(s3) -> None:
    assert s3(f"s3.get_bucket_policy(Bucket='{BUCKET}')", "root") == "NoSuchBucketPolicy"


def test_the_share_was_copied_without_hidden_files(s3) -> None:
    listed = s3(f"[item['Key'] for item in s3.list_objects_v2(Bucket='{BUCKET}', Prefix='2026/')['Contents']]")
    assert listed == "ok ['2026/north/two words.png', '2026/one.jpg']"


def test_copies_have_their_content_and_type(host, s3) -> None:
    content = host.check_output("cat " + shlex.quote(f"{SHARE}/streets/one.jpg"))
    assert s3(f"s3.get_object(Bucket='{BUCKET}', Key='2026/one.jpg')['Body'].read().decode()") == f"ok {content}"
    assert s3(f"s3.head_object(Bucket='{BUCKET}', Key='2026/one.jpg')['ContentType']") == "ok image/jpeg"


def test_cvat_knows_the_bucket_once_and_reaches_it(cvat) -> None:
    storages = [item for item in cvat("/api/cloudstorages?page_size=100")["results"] if item["resource"] == BUCKET]
    assert [item["display_name"] for item in storages] == [GIVEN["object_storage_display_name"]]
    assert cvat(f"/api/cloudstorages/{storages[0]['id']}/status") == "AVAILABLE"
    assert set(cvat(f"/api/cloudstorages/{storages[0]['id']}/actions").split()) >= {"read", "write"}
    names = [
        item["name"] for item in cvat(f"/api/cloudstorages/{storages[0]['id']}/content-v2?prefix=2026/")["content"]
    ]
    assert "one.jpg" in names


def test_passwords_are_what_was_given(host) -> None:
    for name in ("cvat_superuser_password", "cvat_object_storage_root_user", "cvat_object_storage_root_password"):
        file = name.removeprefix("cvat_") if "root" in name else name
        assert host.file(f"{SECRETS}/{file}").content.decode() == GIVEN[name]


def test_secrets_are_seen_nowhere(host) -> None:
    """Neither in what a run says with -vvv --diff and keeps of facts, nor on the server."""
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
    if not (folder / "watched.log").exists():
        pytest.skip("before the side effects")
    said = (folder / "watched.log").read_text()
    assert "Give" in said or "PLAY RECAP" in said
    assert "rekeyed" in said or "changed=" in said
    facts = "".join(path.read_text() for path in (folder / "watched-facts").iterdir())
    assert "ansible_processor" in facts
    processes = host.file("/root/seen-processes").content.decode(errors="replace")
    assert "mc --json admin user add" in processes, "the watch has seen the command that is told a key"
    # The stand-in's own tool, which the real object storage has not.
    processes = "\n".join(line for line in processes.splitlines() if "radosgw-admin" not in line)
    places = {
        "the run": said,
        "the facts": facts,
        "command lines": processes,
        "docker inspect": host.check_output("docker inspect $(docker ps --all --quiet)"),
        "the journal": host.check_output("journalctl --no-pager --output=cat"),
        "logs": host.check_output("for id in $(docker ps --all --quiet); do docker logs $id 2>&1; done"),
    }
    for place, text in places.items():
        assert "Planted" not in text, f"{place}: {text[text.find('Planted') - 200 :][:400]}"


def test_cvat_sees_the_shared_folder(host) -> None:
    assert host.check_output("docker exec cvat_server cat /home/django/share/elsewhere.jpg") == "elsewhere.jpg"


def test_objects_lie_where_they_should(host) -> None:
    assert host.check_output("ls -A " + shlex.quote(GIVEN["storage_object_storage_dir"]))


def test_compose_reads_env_as_it_was_given(host) -> None:
    folder = "/opt/annotation-server/cvat/v2.80.0"
    asked = "services: {{x: {{image: x, environment: {{ONE: '${{UNREAD_ONE}}', TWO: '${{UNREAD_TWO}}'}}}}}}"
    compose = f"docker compose --env-file {folder}/.env --file - config --format json"
    said = host.check_output(f"echo {shlex.quote(asked.format())} | COMPOSE_FILE= {compose}")
    read = json.loads(said)["services"]["x"]["environment"]
    # What Compose prints can be read by it again: a dollar is written twice.
    assert {name: value.replace("$$", "$") for name, value in read.items()} == {
        "ONE": GIVEN["cvat_env_extra"]["UNREAD_ONE"],
        "TWO": GIVEN["cvat_env_extra"]["UNREAD_TWO"],
    }


def test_a_further_bucket_is_cvats_as_well(s3, cvat) -> None:
    assert s3("s3.put_object(Bucket='older-pictures', Key='a.txt', Body=b'')").startswith("ok")
    assert s3("s3.delete_object(Bucket='older-pictures', Key='a.txt')") == "AccessDenied"
    storages = {item["display_name"]: item for item in cvat("/api/cloudstorages?page_size=100")["results"]}
    assert storages["Older streets"]["resource"] == "older-pictures"
    assert cvat(f"/api/cloudstorages/{storages['Older streets']['id']}/status") == "AVAILABLE"


@pytest.mark.parametrize("name", ["object_storage_cvat_access_key", "object_storage_cvat_secret_key"])
def test_keys_are_roots_alone(host, name: str) -> None:
    file = host.file(f"{SECRETS}/{name}")
    assert (file.user, file.mode) == ("root", 0o600)


def test_what_is_remembered_holds_no_key(host) -> None:
    file = host.file("/var/lib/annotation-server/cloud-storages.json")
    secret = host.check_output(f"cat {SECRETS}/object_storage_cvat_secret_key")
    assert file.mode == 0o600
    assert secret not in file.content_string


def test_refused_inputs_made_nothing(s3, cvat) -> None:
    buckets = s3("[bucket['Name'] for bucket in s3.list_buckets()['Buckets']]", "root")
    assert "never-made" not in buckets
    names = {item["display_name"] for item in cvat("/api/cloudstorages?page_size=100")["results"]}
    assert "Out of reach" not in names


def test_public_reading_is_for_the_bucket_that_was_opened(host, s3) -> None:
    if "for-everybody" not in s3("[bucket['Name'] for bucket in s3.list_buckets()['Buckets']]", "root"):
        pytest.skip("before the side effects")
    assert s3("s3.put_object(Bucket='for-everybody', Key='a.txt', Body=b'hello')", "root").startswith("ok")
    assert host.check_output("curl -sSf http://127.0.0.1:9000/for-everybody/a.txt") == "hello"
    codes = [
        host.check_output("curl -sS -o /dev/null -w '%{http_code}' http://127.0.0.1:9000/" + path)
        for path in ("for-everybody", "for-everybody/missing.txt", f"{BUCKET}/2026/one.jpg")
    ]
    assert codes[0] == codes[2] == "403"
    assert codes[1] in ("403", "404")


def test_everything_is_still_there_after_a_restart(host, s3) -> None:
    host.check_output("docker restart minio")
    host.check_output(
        "curl -sSf --retry 30 --retry-delay 1 --retry-all-errors http://127.0.0.1:9000/minio/health/ready"
    )
    assert s3(f"s3.get_object(Bucket='{BUCKET}', Key='2026/one.jpg')").startswith("ok")
    assert s3(f"s3.delete_object(Bucket='{BUCKET}', Key='2026/one.jpg')") == "AccessDenied"
