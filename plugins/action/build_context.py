"""Action plugin of build_context: reads the files on the control node, and sends them only when something differs."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.annotation.server.plugins.module_utils import build_tree, nuclio_inputs


class ActionModule(ActionBase):
    """Runs the module once to compare, and once more with an archive when something differs."""

    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Compare, send, answer."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = self._task.args
        local, texts = self._collect(args)
        manifest = {name: _entry(path) for name, path in local.items()}
        manifest |= {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
        # Texts are only needed here; the host gets them in the archive.
        module_args = {name: value for name, value in args.items() if name not in ("parts", "content")}
        module_args["manifest"] = manifest

        answer = self._execute_module(module_name=self._task.action, module_args=module_args, task_vars=task_vars)
        before = answer.get("before", {})
        if answer.pop("needs_archive", False):
            module_args["archive"] = self._send(local, texts)
            answer = self._execute_module(module_name=self._task.action, module_args=module_args, task_vars=task_vars)
        answer.pop("before", None)
        result.update(answer)
        change = answer.pop("change", {})
        result.pop("change", None)
        result["changes"] = [
            f"{kind} {name}" for kind in ("added", "changed", "removed") for name in change.get(kind, [])
        ]
        if self._task.diff and not result.get("failed"):
            result["diff"] = _diff(change, before, local, texts)
        return result

    def _collect(self, args: dict[str, Any]) -> tuple[dict[str, Path], dict[str, str]]:
        texts = {str(name): str(text) for name, text in (args.get("content") or {}).items()}
        local: dict[str, Path] = {}
        for part in args.get("parts") or []:
            source = Path(str(part["src"])).expanduser()
            try:
                local |= build_tree.Part(source, part.get("dest") or "").files(list(args.get("exclude") or []))
            except FileNotFoundError as error:
                raise AnsibleActionFail(f"{error} It is looked for on the control node.") from error
        return {name: path for name, path in local.items() if name not in texts}, texts

    def _send(self, local: dict[str, Path], texts: dict[str, str]) -> str:
        """Pack the files, put the archive on the host, and return its path there."""
        with tempfile.NamedTemporaryFile(suffix=".tar.gz") as handle:
            with tarfile.open(fileobj=handle, mode="w:gz", compresslevel=1) as tar:
                for name, path in sorted(local.items()):
                    with path.open("rb") as source:
                        tar.addfile(_member(name, path.stat().st_size, _executable(path)), source)
                for name, text in sorted(texts.items()):
                    tar.addfile(_member(name, len(text.encode()), executable=False), io.BytesIO(text.encode()))
            handle.flush()
            remote = self._connection._shell.join_path(
                self._connection._shell.tmpdir or self._make_tmp_path(), "context.tar.gz"
            )
            self._transfer_file(handle.name, remote)
            self._fixup_perms2((self._connection._shell.tmpdir, remote))
        return str(remote)


def _executable(path: Path) -> bool:
    return os.access(path, os.X_OK) and bool(path.stat().st_mode & 0o100)


def _entry(path: Path) -> str:
    return nuclio_inputs.entry(nuclio_inputs.file_digest(path), _executable(path))


def _member(name: str, size: int, executable: bool) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o755 if executable else 0o644
    return member


def _diff(
    change: dict[str, list[str]], before: dict[str, str | None], local: dict[str, Path], texts: dict[str, str]
) -> list[dict[str, str]]:
    """Return one entry per file; files that are long or not text are only named."""
    entries = []
    for name in sorted({*change.get("added", []), *change.get("changed", []), *change.get("removed", [])}):
        after = texts.get(name)
        if after is None and name in local:
            after = build_tree.text_of(local[name])
        gone = name in change.get("removed", [])
        entries.append(
            {
                "before_header": name,
                "after_header": f"{name} (removed)" if gone else name,
                "before": (before.get(name) or "") if name not in change.get("added", []) else "",
                "after": "" if gone else (after if after is not None else f"({name}: not shown)\n"),
            }
        )
    return entries
