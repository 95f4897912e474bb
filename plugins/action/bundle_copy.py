"""Action plugin of bundle_copy: sends what the server lacks, many small files at a time, and checks it before."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.annotation.server.plugins.module_utils import bundle

#: Files up to this size go together, in archives of about the other size.
SMALL, TOGETHER = 32 << 20, 256 << 20


def batches(names: Iterable[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Divide files into what is sent at once: a large one alone, small ones together."""
    together: list[str] = []
    for name in names:
        if sizes[name] > SMALL:
            yield [name]
            continue
        together.append(name)
        if sum(sizes[each] for each in together) > TOGETHER:
            yield together
            together = []
    if together:
        yield together


class ActionModule(ActionBase):
    """Runs the module to look, then for each batch, then to finish."""

    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Look, check, send, answer."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        folder = Path(str(self._task.args["src"]))
        try:
            files = bundle.for_server(bundle.read(folder)["files"])
        except bundle.BundleError as error:
            raise AnsibleActionFail(str(error)) from error
        looked = self._module({"phase": "look", "files": files}, task_vars)
        if looked.get("failed"):
            return {**result, **looked}
        missing, surplus = looked["missing"], looked["surplus"]
        looked["damaged"] = bundle.wrong_files(folder, files, missing)
        looked["changed"] = self._task.args.get("phase") != "look" and bool(missing or surplus)
        if self._task.check_mode or not looked["changed"]:
            return {**result, **looked}
        if looked["damaged"]:
            first = next(f"{name} {what}" for name, what in looked["damaged"].items())
            raise AnsibleActionFail(f"The bundle {folder} is damaged: {first}. Nothing was sent.")
        self._send(folder, files, missing, task_vars)
        done = self._module({"phase": "finish", "files": files, "surplus": surplus}, task_vars)
        if done.get("failed"):
            return {**result, **done}
        return {**result, **looked}

    def _send(self, folder: Path, files: dict[str, Any], names: list[str], task_vars: dict[str, Any] | None) -> None:
        sizes = {name: files[name]["size"] for name in names}
        sent, total = 0, sum(sizes.values())
        host = (task_vars or {}).get("inventory_hostname", "")
        for batch in batches(names, sizes):
            incoming = self._transfer(folder, batch)
            answer = self._module(
                {"phase": "place", "incoming": incoming, "files": {name: files[name] for name in batch}}, task_vars
            )
            if answer.get("failed"):
                raise AnsibleActionFail(str(answer.get("msg")))
            sent += sum(sizes[name] for name in batch)
            Display().display(f"  {host}: {sent / 1e9:.2f} of {total / 1e9:.2f} GB")

    def _transfer(self, folder: Path, batch: list[str]) -> str:
        """Put a batch on the server, and return its path there."""
        shell = self._connection._shell
        remote = str(shell.join_path(shell.tmpdir or self._make_tmp_path(), "incoming"))
        if len(batch) == 1:
            self._transfer_file(str(folder / batch[0]), remote)
        else:
            with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
                with tarfile.open(fileobj=archive, mode="w") as tar:
                    for name in batch:
                        tar.add(folder / name, name, recursive=False)
                archive.flush()
                self._transfer_file(archive.name, remote)
        self._fixup_perms2((shell.tmpdir, remote))
        return remote

    def _module(self, args: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        given = {name: self._task.args[name] for name in ("src", "dest")}
        answer: dict[str, Any] = self._execute_module(
            module_name="annotation.server.bundle_copy", module_args={**given, **args}, task_vars=task_vars
        )
        return answer
