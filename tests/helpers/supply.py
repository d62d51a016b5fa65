"""List the licences of what is installed, and what is known to be unsafe in it.

``python tests/helpers/supply.py`` prints a line for each package that nengo_energy
needs, then what pip-audit finds, or that its registry didn't answer.
"""

from __future__ import annotations

import importlib.metadata as metadata
import json
import re
import subprocess
import sys


def requirements(name: str, seen: dict[str, str]) -> dict[str, str]:
    """Return the licences of a package and of all that it needs, by name."""
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return seen  # of an extra, or another system
    seen[name] = licence(found)
    for line in metadata.requires(name) or ():
        other = re.split(r"[^\w.-]", line, maxsplit=1)[0].lower().replace("_", "-")
        if "extra ==" not in line and other not in seen:
            requirements(other, seen)
    return seen


def licence(found: metadata.PackageMetadata) -> str:
    """Return what a package says of its licence."""
    classified = [
        value.rpartition(" :: ")[2]
        for value in found.get_all("Classifier") or ()
        if value.startswith("License ::")
    ]
    words = found.get("License-Expression") or ", ".join(classified)
    return words or (found.get("License") or "not said").splitlines()[0][:60]


def main() -> int:
    """Print both; return whether something is known to be unsafe."""
    for name, words in sorted(requirements("nengo-energy", {}).items()):
        print(f"{name:32} {words}")
    command = [sys.executable, "-m", "pip_audit", "--format=json"]
    audit = subprocess.run(command, capture_output=True, text=True)
    try:
        found = json.loads(audit.stdout)["dependencies"]
    except ValueError:
        lines = audit.stderr.strip().splitlines() or ["nothing"]
        print(f"pip-audit looked at nothing; it said: {lines[-1][:200]}")
        return 0
    looked_at = [package for package in found if "vulns" in package]
    unsafe = [package for package in looked_at if package["vulns"]]
    print(f"pip-audit knows {len(looked_at)} of {len(found)} packages, ", end="")
    print(f"{len(unsafe)} of them unsafe", end="")
    left = len(found) - len(looked_at)
    print(f"; the registry didn't answer for the other {left}" if left else "")
    for package in unsafe:
        ids = ", ".join(fault["id"] for fault in package["vulns"])
        print(f"{package['name']} {package['version']}: {ids}")
    return len(unsafe) > 0


if __name__ == "__main__":
    sys.exit(main())
