"""kg at a terminal, for tests of what only people see: prompts and progress bars."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping

# The first terminal that a session leader opens is the one that passwords are read from.
_KG = "import os, sys\nos.open(os.ttyname(0), os.O_RDWR)\nfrom kg.cli import main\nmain(sys.argv[1:])"


def kg_on_terminal(
    *arguments: str, typed: Mapping[str, str], environment: Mapping[str, str], seconds: float = 120
) -> tuple[int, str]:
    """The exit code, and all that stands on the terminal; what `typed` says is typed once its prompt is there."""
    ours, theirs = os.openpty()
    waiting, seen = dict(typed), b""
    process = subprocess.Popen(
        [sys.executable, "-c", _KG, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 1.0)[0]:
                continue
            piece = b""
            with contextlib.suppress(OSError):  # Linux says so when the other end is closed
                piece = os.read(ours, 65536)
            if not piece:
                break
            seen += piece
            for prompt in [prompt for prompt in waiting if prompt.encode() in seen]:
                os.write(ours, f"{waiting.pop(prompt)}\n".encode())
        return process.wait(max(deadline - time.monotonic(), 1.0)), seen.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)
