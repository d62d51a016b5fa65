"""Code in the pages of docs/: what it is, what it prints, and what the page says.

python tests/helpers/docs_pages.py docs/tutorial.md    rewrites what the page says
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from paths import ROOT

PAGES = sorted(
    [
        ROOT / "docs" / "supported-layers.md",
        ROOT / "docs" / "tutorial.md",
        *(ROOT / "docs" / "howto").glob("*.md"),
    ]
)

_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
_OUTPUT = re.compile(r"\s*(?:<!-- within (\d+) % -->\s*)?```text\n(.*?)```", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*\.?\d*(?:e[-+]?\d+)?")

_RUN = """
import contextlib, io, json, sys
names, printed = {"__name__": "__main__"}, []
for code in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(code, "page", "exec"), names)
    printed.append(out.getvalue())
print("\\n" + json.dumps(printed))
"""


@dataclass(frozen=True)
class Block:
    """A block of code, and what the page says that it prints.

    Attributes
    ----------
    code : str
        Python.
    output : str or None
        What follows the block as text; None where nothing does.
    tolerance : float
        Share by which numbers in it may differ.
    """

    code: str
    output: str | None
    tolerance: float


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        output = _OUTPUT.match(text, match.end())
        tolerance = int(output[1] or 0) / 100 if output else 0.0
        found.append(Block(match[1], output[2] if output else None, tolerance))
    return found


def run_blocks(blocks: list[Block]) -> list[str]:
    """Run blocks one after the other in a process and a folder of their own."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT), environment.get("PYTHONPATH", "")]
    )
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [sys.executable, "-c", _RUN],
            input=json.dumps([block.code for block in blocks]),
            capture_output=True,
            text=True,
            cwd=folder,
            env=environment,
        )
    if run.returncode:
        raise AssertionError(run.stderr[-3000:])
    printed: list[str] = json.loads(run.stdout.splitlines()[-1])
    return printed


def differences(said: str, printed: str, tolerance: float) -> list[str]:
    """Return in which words and numbers two texts differ, whatever their spaces."""
    found = []
    if _NUMBER.sub("#", said).split() != _NUMBER.sub("#", printed).split():
        if not tolerance:
            return [f"said:\n{said}\nprinted:\n{printed}"]
        words = [_NUMBER.sub("", x).split() for x in (said, printed)]
        marks = [[w for w in side if re.search(r"\w{3}", w)] for side in words]
        if marks[0] != marks[1]:
            return [f"said:\n{said}\nprinted:\n{printed}"]
    pairs = zip(_NUMBER.findall(said), _NUMBER.findall(printed))
    for a, b in pairs:
        x, y = (float(n.replace(",", "")) for n in (a, b))
        if not math.isclose(x, y, rel_tol=max(tolerance, 1e-9), abs_tol=1e-12):
            found.append(f"said {a}, printed {b}")
    return found


def rewrite(page: Path) -> None:
    """Put what the code prints into the page."""
    text = page.read_text(encoding="utf-8")
    printed = iter(run_blocks(blocks_of(page)))
    parts, end = [], 0
    for match in _BLOCK.finditer(text):
        output, fresh = _OUTPUT.match(text, match.end()), next(printed)
        if output:
            parts += [text[end : output.start(2)], fresh.rstrip("\n"), "\n"]
            end = output.end(2)
    page.write_text("".join([*parts, text[end:]]), encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        rewrite(Path(name))
