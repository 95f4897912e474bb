"""A function that is quick to build: it answers who it is and what its checkpoint says."""

import os
import time
from pathlib import Path

from shared.words import greeting

CONFIGURATION = Path("/etc/nuclio/config/processor/processor.yaml")
FAILS_IN_PLACE = Path(__file__).with_name("fails_in_place")
WEIGHTS = Path(__file__).with_name("weights.txt")


def init_context(context):
    """Load the checkpoint, as a model would: that takes as long as the environment says."""
    if FAILS_IN_PLACE.exists() and "hello-trial" not in CONFIGURATION.read_text():
        raise RuntimeError("it loads nowhere but in a trial")
    time.sleep(float(os.environ.get("LOADING_SECONDS", "0")))
    context.user_data.weights = WEIGHTS.read_text().strip() if WEIGHTS.exists() else "no weights"


def handler(context, event):
    """Answer with the greeting, the weights and an environment variable."""
    answer = f"{greeting()}, {context.user_data.weights}, {os.environ.get('WHO', 'nobody')}"
    return context.Response(body=answer, content_type="text/plain", status_code=200)
