"""The order in which an annotation server is checked, and what is skipped when something before it failed."""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import dataset_exports
from ansible_collections.annotation.server.plugins.module_utils import known_picture as pictures
from ansible_collections.annotation.server.plugins.module_utils import server_checks as checks
from ansible_collections.annotation.server.plugins.module_utils.checklist import Checklist
from ansible_collections.annotation.server.plugins.module_utils.cvat_api import CvatClient
from ansible_collections.annotation.server.plugins.module_utils.cvat_checks import CvatChecks
from ansible_collections.annotation.server.plugins.module_utils.cvat_walk import CvatWalk
from ansible_collections.annotation.server.plugins.module_utils.server_survey import Survey
from ansible_collections.annotation.server.plugins.module_utils.server_tools import Server

#: How far the star moves from the first picture to the second, in pixels.
SHIFT = (24, 12)


class Verification:
    """One run over one server. Goes on after a failure, and takes back whatever it made."""

    def __init__(self, server: Server, params: Mapping[str, Any]) -> None:
        """Draw the pictures and prepare the client; CVAT is not asked yet.

        Raises:
            OSError: the password or the picture is not there.
        """
        self.server, self.params, self.result = server, params, Checklist()
        self.is_thorough: bool = params["thorough"]
        self.known: list[pictures.KnownPicture | None] = [None, None]
        if params["picture"]:
            ending = Path(params["picture"]).suffix
            server.names = [str(Path(name).with_suffix(ending)) for name in server.names]
            self.contents = [Path(params["picture"]).read_bytes()] * 2
        else:
            shifts = ((0, 0), SHIFT) if self.is_thorough else ((0, 0),)
            drawn = [pictures.draw(shift=shift) for shift in shifts]
            self.known = [*drawn]
            self.contents = [pictures.encode_png(each.width, each.height, each.rgb) for each in drawn]
        password = server.secret("cvat_superuser_password")
        self.client = CvatClient(
            url=params["url"] or f"http://127.0.0.1:{params['port']}",
            host=params["host"],
            username=params["user"],
            password=password,
            # A large model on a CPU embeds an image for half a minute; CVAT itself gives up after 120 s.
            timeout=130,
            ca_path=params["ca_path"] or None,
        )
        self.cvat = CvatChecks(self.client, picture_name=server.names[0], picture=self.known[0])
        self.survey = Survey(server, params, self.result, self.cvat, password)
        self.walk = CvatWalk(self.client, server.names[: len(self.contents)], self.known)

    def run(self) -> None:
        """Run every check."""
        try:
            self.survey.look_at_server()
            healthy = self.survey.look_at_cvat()
            stored = self.survey.look_at_storage(healthy)
            listed = self.survey.look_at_models(healthy)
            self.use_it(healthy and stored, listed)
            if self.is_thorough:
                self.walk_through(healthy, stored)
        finally:
            self.result.group = "Afterwards"
            self.result.run("clean_up", "Nothing is left behind", self.clean_up)

    def use_it(self, ready: bool, listed: bool) -> None:
        """A task and a mask, as on every run."""
        self.result.group = "In use"
        params = self.params
        if self.cvat.versions:  # CVAT answers
            self.result.run("leftovers", "Nothing was left by an earlier run", self.sweep)
        title = "Task from a picture"
        if not ready:
            self.result.skip("task", title, "CVAT or its bucket failed above")
        elif self.result.run("task", title, self.create_task):
            title = f"Prompts to {params['interactor']}"
            if params["interactor"] and listed:
                self.result.run("prompt", title, self.cvat.masks, params["interactor"], params["minimum_iou"])
            elif params["interactor"]:
                self.result.skip("prompt", title, "the models failed above")

    def walk_through(self, healthy: bool, stored: bool) -> None:
        """The thorough form: the guide's last chapters, with every model that CVAT lists."""
        self.result.group = "From picture to export"
        walk, params = self.walk, self.params
        if not healthy:
            self.result.skip("walk", "From picture to export", "CVAT failed above")
            return
        if self.survey.has_models:
            self.result.run("models", "Models to try", walk.list_functions)
        has_task = self.result.run("task_share", "A task from the share", self.create_walk_task, "share", None)
        if params["bucket"] and stored:
            storage = self.cvat.storage_id
            has_task |= self.result.run(
                "task_bucket", "A task from the bucket", self.create_walk_task, "bucket", storage
            )
        elif params["bucket"]:
            self.result.skip("task_bucket", "A task from the bucket", "the bucket failed above")
        if not has_task:
            self.result.skip("walk", "Annotations and exports", "there is no task")
            return
        words = {"detector": "Automatic annotation by", "interactor": "A prompt to", "tracker": "Two pictures to"}
        for kind, what in words.items():
            for function in walk.functions:
                if function["kind"] == kind:
                    self.result.run(f"{kind}:{function['id']}", f"{what} {function['id']}", walk.try_model, function)
        if not self.result.run("save", "Shapes are saved", walk.save):
            self.result.skip("export", "Exports", "nothing could be saved")
            return
        for kind in dataset_exports.FORMATS:
            name = "export_" + kind.name.lower().rpartition(" ")[0].replace(" ", "_")
            self.result.run(name, f"Export as {kind.name}", walk.export, kind)

    def create_task(self) -> str:
        """Lay the picture down and make a task of it."""
        self.server.put("bucket" if self.params["bucket"] else "share", self.contents[:1])
        return self.cvat.create_task()

    def create_walk_task(self, where: str, storage: int | None) -> str:
        """Lay both pictures down and make a task of them."""
        self.server.put(where, self.contents)
        return self.walk.create_task(where, storage)

    def sweep(self) -> str:
        """Remove what a run that was killed left behind."""
        gone = self.walk.clean_up() + self.cvat.clean_up()
        self.server.forget_exports(gone)
        self.server.remove()
        return f"{len(gone)} tasks of a run that was ended too early are removed" if gone else "there was nothing"

    def clean_up(self) -> str:
        """Remove tasks, exports, objects and files, and look whether they are gone."""
        gone: list[int] = []
        try:
            gone = self.walk.clean_up() + self.cvat.clean_up()
        finally:  # also when CVAT does not answer any more
            self.server.forget_exports(gone)
            self.server.remove()
        return "the test tasks, their pictures and their exports are removed"

    def answer(self, started: float) -> dict[str, Any]:
        """Return the module's answer.

        Args:
            started: when the run began, in seconds since 1970.
        """
        figures = [figure.as_dict() for figure in [*self.cvat.figures, *self.walk.figures]]
        media_type = mimetypes.guess_type(self.server.names[0])[0] or "image/png"
        gpu = self.server.gpu()
        ended = time.time()
        return {
            "form": "thorough" if self.is_thorough else "quick",
            "state": self.result.state,
            "summary": self.result.summary(),
            "started": stamp(started),
            "ended": stamp(ended),  # Ansible has a "finished" of its own: yes or no
            "ended_epoch": int(ended),
            "seconds": round(ended - started, 1),
            "checks": self.result.as_dicts(),
            "versions": {**self.cvat.versions, **self.server.versions(), **checks.gpu_versions(gpu)},
            "containers": self.survey.services,
            "latencies": [*self.cvat.latencies, *self.walk.latencies],
            "exports": self.walk.exported,
            "figures": figures,
            "pictures": [pictures.data_uri(content, media_type) for content in self.contents] if figures else [],
        }


def stamp(seconds: float) -> str:
    """Return a time as ISO 8601 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
