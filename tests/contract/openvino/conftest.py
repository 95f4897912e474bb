"""CVAT's own files of the pinned release, and a Python with the OpenVINO that they need.

The files come from CVAT_TREE (a source tree of CVAT, as the role cvat lays it on a server), or from GitHub. Where
neither is there, these tests are skipped. OPENVINO_PYTHON may name a Python with another OpenVINO.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
YOLO, DEXTR = "omz/public/yolo-v3-tf/nuclio", "dextr/nuclio"
NAMES = ("main.py", "model_handler.py", "function.yaml")
FILES = ("base/model_loader.py", *(f"{folder}/{name}" for folder in (YOLO, DEXTR) for name in NAMES))


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source tree of CVAT with serverless/openvino."""
    if given := os.environ.get("CVAT_TREE"):
        return Path(given).resolve()
    release = yaml.safe_load((REPOSITORY / "roles/cvat/defaults/main.yml").read_text())["cvat_version"]
    root = tmp_path_factory.mktemp("cvat")
    for name in FILES:
        path = root / "serverless/openvino" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        address = f"https://raw.githubusercontent.com/cvat-ai/cvat/{release}/serverless/openvino/{name}"
        try:
            with urllib.request.urlopen(address, timeout=20) as answer:
                path.write_bytes(answer.read())
        except urllib.error.HTTPError as error:
            pytest.fail(f"CVAT {release} has no such file any more ({error}): {address}")
        except OSError as error:
            pytest.skip(f"GitHub is out of reach ({error}), and CVAT_TREE is not set")
    return root


@pytest.fixture(scope="session")
def python(tree: Path) -> str:
    """A Python with OpenVINO, made once and kept; the tests themselves need none."""
    if given := os.environ.get("OPENVINO_PYTHON"):
        return given
    wanted = (HERE / "requirements.txt").read_text()
    folder = REPOSITORY / ".cache/venv-openvino"
    note = folder / ".requirements"
    if not note.exists() or note.read_text() != wanted:
        suited = [name for name in ("python3.11", "python3.10") if shutil.which(name)]
        maker = sys.executable if sys.version_info < (3, 12) else suited[0] if suited else ""
        if not maker:
            pytest.skip("this OpenVINO needs Python 3.10 or 3.11, and there is neither")
        subprocess.run([maker, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin/pip"), "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(HERE / "requirements.txt")], check=True)
        note.write_text(wanted)
    return str(folder / "bin/python")


@pytest.fixture(scope="session")
def models(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with both tiny models."""
    folder = tmp_path_factory.mktemp("models")
    subprocess.run([python, str(HERE / "tiny_models.py"), str(folder)], check=True)
    return folder
