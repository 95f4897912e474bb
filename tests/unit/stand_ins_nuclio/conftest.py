"""The stand-ins' own modules, without Docker."""

import sys
from pathlib import Path

NUCLIO = Path(__file__).parents[2] / "stand_ins/nuclio"
sys.path[:0] = [str(NUCLIO), str(NUCLIO / "processor/py")]
