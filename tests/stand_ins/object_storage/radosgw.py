"""What `silo` and `mc` share: radosgw's users, and clients that ask it with a key."""

import json
import os
import select
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from typing import Any

DATA = "/data/.radosgw"
DATABASE = f"{DATA}/dbstore-default_ns.db"
# MinIO's canned policies and who has which; radosgw knows policies of users only.
POLICIES = f"{DATA}/canned-policies.json"
ROOT = "root"
PATIENCE = 30  # seconds that radosgw-admin may take
QUIET = ("--log-to-stderr=false", "--err-to-stderr=false")  # its own words only, not the log's among them


class AdminError(Exception):
    """radosgw-admin could not do it; the message is its own last line."""


def admin(*arguments: str) -> dict:
    """Run radosgw-admin and return the JSON that it prints.

    With dbstore the program often hangs when all is done: it joins its garbage collector's thread, which may have
    missed the signal to stop. So it is killed as soon as it has said its last word: a whole JSON object, or a line on
    standard error. What it did is committed by then.
    """
    process = subprocess.Popen(
        ["radosgw-admin", "--no-mon-config", "-n", "client.rgw.minio", *QUIET, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + PATIENCE
    heard = {process.stdout: b"", process.stderr: b""}
    try:
        while time.monotonic() < deadline:
            ready, _, _ = select.select([pipe for pipe in heard if pipe], [], [], 1)
            ended = process.poll() is not None
            for pipe in ready:
                heard[pipe] += os.read(pipe.fileno(), 65536)
            with suppress(ValueError):
                return json.loads(heard[process.stdout])
            words, line_end, _ = heard[process.stderr].decode().rpartition("\n")
            if line_end or (ended and process.returncode):
                raise AdminError(words.strip() or f"radosgw-admin ended with {process.returncode}")
            if ended:
                return {}
        raise AdminError("radosgw-admin does not answer")
    finally:
        process.kill()
        process.communicate()


def find_user(uid: str) -> dict | None:
    """Return what radosgw knows of a user."""
    try:
        return admin("user", "info", "--uid", uid)
    except AdminError as error:
        if "no user info saved" in str(error):
            return None
        raise


def put_user(uid: str, key: str, secret: str, *options: str) -> None:
    """Make a user with exactly this key, or give it this key."""
    user = find_user(uid)
    keys = ("--access-key", key, "--secret", secret)
    if user is None:
        admin("user", "create", "--uid", uid, "--display-name", uid, *keys, *options)
        return
    if user["keys"] == [{"user": uid, "access_key": key, "secret_key": secret}]:
        return
    with buckets_kept():
        # First the new one: radosgw-admin finds no user who has no key.
        admin("key", "create", "--uid", uid, *keys)
        for old in user["keys"]:
            if old["access_key"] != key:
                admin("key", "rm", "--uid", uid, "--access-key", old["access_key"])


@contextmanager
def buckets_kept():
    """Put back what dbstore loses when an access key changes: it replaces the user, and its buckets go with it."""
    with tempfile.NamedTemporaryFile() as copy:
        with closing(sqlite3.connect(DATABASE)) as now, closing(sqlite3.connect(copy.name)) as before:
            now.backup(before)
        yield
        with closing(sqlite3.connect(DATABASE)) as now, now:
            now.execute("ATTACH ? AS before", (copy.name,))
            for name, made in now.execute("SELECT name, sql FROM before.sqlite_master WHERE type = 'table'").fetchall():
                if name == "User" or name.startswith("sqlite_"):
                    continue
                if not now.execute("SELECT 1 FROM main.sqlite_master WHERE name = ?", (name,)).fetchone():
                    now.execute(made)
                now.execute(f'INSERT OR IGNORE INTO main."{name}" SELECT * FROM before."{name}"')


def client(service: str, url: str, key: str, secret: str) -> Any:
    """Return a boto3 client for radosgw's S3 or IAM."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,
        endpoint_url=url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )
