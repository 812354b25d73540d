"""The harness of tests/faults, beside the test bed that it uses."""

from __future__ import annotations

import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_TESTS / "bed"), str(_TESTS / "faults")]
