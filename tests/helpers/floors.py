"""The floors of the package: the contract in setup.cfg, drawn and written to docs.

python tests/helpers/floors.py    rewrites the picture in docs/architecture.md
"""

from __future__ import annotations

import ast
import configparser
import re
import textwrap

from paths import ROOT

PAGE = ROOT / "docs" / "architecture.md"
WIDTH = 76
"""Columns of the picture: what a page shows without scrolling."""

PICTURE = re.compile(r"(<!-- floors -->\n```text\n)(.*?)(```)", re.DOTALL)


def floors() -> list[list[str]]:
    """Return the packages of each floor, from the top, as the contract names them."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = config["importlinter:contract:floors"]["layers"].split("\n")
    return [line.replace(" ", "").split("|") for line in lines if line]


def job(package: str) -> str:
    """Return the first line of a package's docstring."""
    path = ROOT / "nengo_energy" / package
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0].replace("`", "").rstrip(".")


def draw() -> str:
    """Return floors from the top down, a line for each package with its job."""
    found = floors()
    rows = [
        (f"{len(found) - i:2}" if k == 0 else "  ", package, job(package))
        for i, packages in enumerate(found)
        for k, package in enumerate(packages)
    ]
    width = max(len(package) for _, package, _ in rows)
    rule = "-" * WIDTH
    lines = [rule]
    for number, package, words in rows:
        if number.strip() and len(lines) > 1:
            lines.append(rule)
        head = f"{number}  {package:{width}}  "
        below = " " * len(head)
        lines += textwrap.wrap(head + words, WIDTH, subsequent_indent=below)
    return "\n".join([*lines, rule, ""])


def rewrite() -> None:
    """Put the picture into the page."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(
        PICTURE.sub(lambda found: found[1] + draw() + found[3], text), encoding="utf-8"
    )


if __name__ == "__main__":
    rewrite()
