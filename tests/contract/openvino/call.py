"""Calls a function of CVAT as Nuclio's wrapper does, in a process of its own. Runs beside OpenVINO.

call.py TREE FOLDER     TREE/serverless/openvino/FOLDER; a request (JSON) comes on stdin, the answer goes to stdout
"""

from __future__ import annotations

import builtins
import json
import sys
import time
from pathlib import Path

import nuclio_sdk

# Where Nuclio puts a function's files in its image.
IMAGE = "/opt/nuclio/"


def main() -> None:
    """Load the function, ask it, say what it answers and how long both took."""
    openvino = Path(sys.argv[1]) / "serverless/openvino"
    folder = openvino / sys.argv[2]
    sys.path[:0] = [str(folder), str(openvino / "base")]
    plain_open = builtins.open

    def open_in_image(file, *args, **kwargs):  # type: ignore[no-untyped-def]
        """The function reads its own configuration from where it lies in the image."""
        if isinstance(file, str) and file.startswith(IMAGE):
            file = folder / file[len(IMAGE) :]
        return plain_open(file, *args, **kwargs)

    builtins.open = open_in_image
    logger = nuclio_sdk.Logger(level="WARNING")
    logger.set_handler("default", sys.stderr, nuclio_sdk.logger.HumanReadableFormatter())
    context = nuclio_sdk.Context(logger)

    started = time.monotonic()
    import main as function  # type: ignore[import-not-found]

    function.init_context(context)
    loaded = time.monotonic()
    answer = function.handler(context, nuclio_sdk.Event(body=json.load(sys.stdin)))
    print(
        json.dumps(
            {
                "status": answer.status_code,
                "type": answer.content_type,
                "body": json.loads(answer.body),
                "loading": loaded - started,
                "answering": time.monotonic() - loaded,
            }
        )
    )


if __name__ == "__main__":
    main()
