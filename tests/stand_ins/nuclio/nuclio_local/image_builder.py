"""Builds a function's image: handler files, processor and runtime on top of the function's base image."""

from __future__ import annotations

import os
import shutil
import string
import tempfile
import uuid
from pathlib import Path
from typing import Any

from nuclio_local import ARCHITECTURE, HEALTH_CHECK_IMAGE, VERSION
from nuclio_local.docker_cli import DockerError, docker, stream
from nuclio_local.errors import NuclioError
from nuclio_local.log import Log

WHEELS = "/opt/nuclio/whl"
DOCKERFILE = string.Template("""\
FROM $base
ARG NUCLIO_LABEL
ARG NUCLIO_ARCH
ARG NUCLIO_BUILD_LOCAL_HANDLER_DIR
$pre_copy
COPY artifacts/uhttpc /usr/local/bin/uhttpc
HEALTHCHECK --interval=2s --timeout=3s CMD /usr/local/bin/uhttpc --url http://127.0.0.1:8082/ready || exit 1
COPY artifacts/processor /usr/local/bin/processor
COPY artifacts/py /opt/nuclio/
COPY artifacts/whl $wheels
COPY handler /opt/nuclio
$post_copy
RUN python $wheels/$$(basename $wheels/pip-*.whl)/pip install nuclio-sdk --no-index --find-links $wheels
CMD [ "processor" ]
""")


def build(config: dict[str, Any], source: Path, log: Log) -> str:
    """Build the image of a function from its folder or file; return its name with tag."""
    spec = config["spec"]
    settings = spec["build"]
    runtime = str(spec.get("runtime", ""))
    if not runtime.startswith("python"):
        raise NuclioError("Failed to get runtime name", f"the stand-in knows only python runtimes, not {runtime!r}")
    image = settings["image"] if ":" in settings["image"].rsplit("/", 1)[-1] else f"{settings['image']}:latest"
    log.info("Building", name=config["metadata"]["name"], builderKind="docker", versionInfo=f"Label: {VERSION}")
    # Real nuctl also leaves small files behind in the folder it is called from: it must be writable.
    tempfile.NamedTemporaryFile(prefix="nuctl-", dir=Path.cwd()).close()
    with tempfile.TemporaryDirectory(prefix="nuclio-build-") as folder:
        staging = Path(folder)
        _stage_handler(source, staging / "handler")
        log.info("Staging files and preparing base images")
        _fetch_artifacts(settings, staging, log)
        (staging / "Dockerfile.processor").write_text(_dockerfile(spec, runtime), encoding="utf-8")
        log.info("Building docker image", image=image)
        _docker_build(image, staging, "Dockerfile.processor", *(["--no-cache"] if settings.get("noCache") else []))
    log.info("Build complete", image=image)
    return image


def directives(settings: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the Dockerfile lines before and after the function's files are copied.

    `commands` is the older form and wins: RUN lines before the copy, after "@nuclio.postCopy" behind it.
    """
    if settings.get("commands"):
        lines: tuple[list[str], list[str]] = ([], [])
        stage = 0
        for command in "\n".join(settings["commands"]).replace("\\\n", "").split("\n"):
            if command.strip() == "@nuclio.postCopy":
                stage = 1
            elif command:
                lines[stage].append(f"RUN {command}")
        return lines
    given = settings.get("directives") or {}
    pre, post = ([f"{d['kind']} {d['value']}" for d in given.get(k) or []] for k in ("preCopy", "postCopy"))
    return pre, post


def onbuild_image(settings: dict[str, Any]) -> str:
    """Return the image that carries processor and runtime; its tag is nuctl's own version."""
    if settings.get("onbuildImage"):
        return str(settings["onbuildImage"]).replace("{{ .Label }}", VERSION).replace("{{ .Arch }}", ARCHITECTURE)
    registry = os.environ.get("NUCLIO_DASHBOARD_DEFAULT_ONBUILD_REGISTRY_URL") or "quay.io"
    return f"{registry}/nuclio/handler-builder-python-onbuild:{VERSION}-{ARCHITECTURE}"


def base_image(settings: dict[str, Any], runtime: str) -> str:
    """Return the image a function is built on, moved to another registry if the environment names one."""
    image = str(settings.get("baseImage") or f"python:{runtime.partition(':')[2] or '3.9'}")
    registry = os.environ.get("NUCLIO_DASHBOARD_DEFAULT_BASE_REGISTRY_URL", "").rstrip("/")
    return f"{registry}/{image.rsplit('/', 1)[-1]}" if registry else image


def _dockerfile(spec: dict[str, Any], runtime: str) -> str:
    pre, post = directives(spec["build"])
    return DOCKERFILE.substitute(
        base=base_image(spec["build"], runtime), wheels=WHEELS, pre_copy="\n".join(pre), post_copy="\n".join(post)
    )


def _stage_handler(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=False)
    else:
        target.mkdir()
        shutil.copy(source, target)


def _fetch_artifacts(settings: dict[str, Any], staging: Path, log: Log) -> None:
    artifacts = staging / "artifacts"
    artifacts.mkdir()
    onbuild = onbuild_image(settings)
    for image in (onbuild, HEALTH_CHECK_IMAGE):
        if not settings.get("noBaseImagesPull"):
            log.info("Pulling image", imageName=image)
            docker("pull", image)
    (staging / "Dockerfile.onbuild").write_text(f"FROM {onbuild}\nARG NUCLIO_LABEL\nARG NUCLIO_ARCH\n")
    built = f"nuclio-onbuild-{uuid.uuid4().hex[:20]}"
    _docker_build(built, staging, "Dockerfile.onbuild", "--quiet")
    try:
        _copy_from_image(
            built,
            {
                "/home/nuclio/bin/processor": artifacts / "processor",
                "/home/nuclio/bin/py": artifacts / "py",
                "/home/nuclio/bin/py-whl": artifacts / "whl",
            },
        )
    finally:
        docker("rmi", "--force", built)
    _copy_from_image(HEALTH_CHECK_IMAGE, {"/home/nuclio/bin/uhttpc": artifacts / "uhttpc"})


def _copy_from_image(image: str, paths: dict[str, Path]) -> None:
    container = docker("create", image, "/bin/sh").strip().splitlines()[-1]
    try:
        for inner, outer in paths.items():
            docker("cp", f"{container}:{inner}", str(outer))
    finally:
        docker("rm", "--force", container)


def _docker_build(image: str, staging: Path, dockerfile: str, *options: str) -> None:
    try:
        stream(
            "build",
            "--network",
            "host",
            "--force-rm",
            "--tag",
            image,
            "--file",
            str(staging / dockerfile),
            "--build-arg",
            f"NUCLIO_LABEL={VERSION}",
            "--build-arg",
            f"NUCLIO_ARCH={ARCHITECTURE}",
            "--build-arg",
            "NUCLIO_BUILD_LOCAL_HANDLER_DIR=handler",
            *options,
            str(staging),
        )
    except DockerError as error:
        raise NuclioError("Failed to build docker image", str(error)) from error
