"""What becomes of the models of ``tf.keras.applications``, of Keras 2 and Keras 3.

Each is made without trained weights at the smallest input that makes sense for it, with
and without its classifier, and converted in a process of its own. Vectors of weights
(biases, shifts, means and variances of normalisation) are moved off their starting
values, so that none of them is nothing. Converted networks are compared with Keras with
rate neurons in place of spiking ones, as by every conversion; the error is the largest
difference of an output, relative to the largest output.

    python benchmarks/applications.py                     # one of each family, 2 h
    python benchmarks/applications.py --only VGG16 NASNetMobile --versions keras
    python benchmarks/applications.py --page              # writes the table's page

Each row is kept in benchmarks/data/applications.csv once it is there, and a row that is
there isn't made again, but for those named by ``--only``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

SIZES = {
    "ConvNeXtTiny": 32,
    "DenseNet121": 32,
    "EfficientNetB0": 32,
    "EfficientNetV2B0": 32,
    "EfficientNetV2S": 32,
    "InceptionResNetV2": 75,
    "InceptionV3": 75,
    "MobileNet": 32,
    "MobileNetV2": 32,
    "MobileNetV3Large": 32,
    "MobileNetV3Small": 32,
    "NASNetMobile": 32,
    "RegNetX002": 32,
    "RegNetY002": 32,
    "ResNet50": 32,
    "ResNet50V2": 32,
    "ResNetRS50": 32,
    "VGG16": 32,
    "Xception": 71,
}
"""One architecture of each family, and its input's height and width. The others differ
from it in depth and width alone, VGG19 from VGG16 by three more layers."""

COLUMNS = ("model", "version", "top", "result", "neurons", "seconds", "error", "host")

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "benchmarks" / "data" / "applications.csv"
PAGE = ROOT / "docs" / "supported-layers.md"
PART = re.compile(r"(<!-- applications -->\n)(.*?)(<!-- end -->)", re.DOTALL)
NAMES = {"keras": "3", "tf_keras": "2"}


def make_model(version: str, name: str, top: bool) -> Any:
    """Return an application model without trained weights."""
    from nengo_energy.compat import import_tensorflow, import_tf_keras

    keras = import_tf_keras()
    if version == "keras":
        import_tensorflow()
        import keras
    make = getattr(keras.applications, name, None)
    if make is None:
        return None
    keras.utils.set_random_seed(0)
    model = make(
        weights=None, include_top=top, input_shape=(SIZES[name], SIZES[name], 3)
    )
    rng = np.random.RandomState(0)
    for layer in model.layers:
        layer.set_weights(
            [
                (
                    w + rng.uniform(-0.1, 0.1, w.shape).astype(w.dtype)
                    if w.ndim == 1
                    else w
                )
                for w in layer.get_weights()
            ]
        )
    return model


def convert_one(version: str, name: str, top: bool) -> dict[str, Any]:
    """Return what became of a model: a row of the table."""
    import nengo_energy as ne
    from nengo_energy.conversion.verifying import outputs_of_rates

    row: dict[str, Any] = {"model": name, "version": version, "top": top}
    model = make_model(version, name, top)
    if model is None:
        return {**row, "result": "isn't there"}
    start = time.perf_counter()
    try:
        snn = ne.convert(model, verify=False)  # what it does is done below
    except ne.NengoEnergyError as error:
        return {**row, "result": f"refused: {error}"}
    pairs = outputs_of_rates(snn).values()
    row["seconds"] = time.perf_counter() - start
    kinds = Counter(
        type(getattr(layer, "held_source", layer)).__name__
        for layer in map(snn.clone.layer, snn.host_layers)
    )
    errors = [np.max(np.abs(a - b)) / np.max(np.abs(a)) for a, b in pairs]
    return {
        **row,
        "result": "with the host" if kinds else "native",
        "neurons": sum(p.n_neurons for p in snn.topology.populations),
        "error": float(max(errors)),
        "host": ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())),
    }


def run(version: str, name: str, limit: float) -> list[dict[str, Any]]:
    """Return rows of the table, with and without top, made by another process."""
    command = [sys.executable, __file__, "--one", version, name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
        out, last = done.stdout, done.stderr.strip().splitlines()[-1:]
        why = f"failed ({done.returncode}): {''.join(last)}"
    except subprocess.TimeoutExpired as error:
        out, why = (error.stdout or b"").decode(), f"took over {limit:g} s"
    found = [json.loads(x) for x in out.splitlines() if x.startswith("{")]
    missing = {True, False} - {row["top"] for row in found}
    row = {"model": name, "version": version, "result": why}
    return found + [{**row, "top": top} for top in missing]


def read_rows() -> dict[tuple[str, ...], dict[str, str]]:
    """Return the rows that are there, by model, version and top."""
    if not DATA.exists():
        return {}
    with DATA.open(encoding="utf-8", newline="") as file:
        return {key_of(row): row for row in csv.DictReader(file)}


def key_of(row: dict[str, Any]) -> tuple[str, ...]:
    """Return what a row is about, which is also its place in the table."""
    return str(row["model"]), str(row["version"]), str(row["top"])


def keep(row: dict[str, Any]) -> None:
    """Put a row into the file of rows, in place of the one that was there."""
    formats = {"seconds": "{:.1f}", "error": "{:.1e}"}
    cells = {k: formats.get(k, "{}").format(row[k]) for k in COLUMNS if k in row}
    rows = {**read_rows(), key_of(row): cells}
    with DATA.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[key] for key in sorted(rows))


def table(rows: list[dict[str, str]]) -> str:
    """Return the table of the page: a line for each model of each Keras, top or not."""
    found: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        where = NAMES[row["version"]] + ("" if row["top"] == "True" else " without top")
        neurons = f"{int(row['neurons']):,}" if row["neurons"] else ""
        what = row["model"], row["result"], neurons, row["host"]
        found.setdefault(what, []).append(where)
    errors = {
        what: max(
            (r["error"] for r in rows if r["model"] == what[0] and r["error"]),
            key=float,
            default="",
        )
        for what in found
    }
    lines = [
        ("architecture", "Keras", "becomes", "neurons", "host", "error"),
        ("---",) * 6,
    ]
    for what, where in sorted(found.items()):
        name, result, neurons, host = what
        lines.append(
            (f"`{name}`", ", ".join(where), result, neurons, host, errors[what])
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def share(rows: list[dict[str, str]]) -> str:
    """Return how many of the models convert."""
    n = sum(row["result"] in ("native", "with the host") for row in rows)
    return f"{n} of {len(rows)} convert, {n / len(rows):.0%}"


def main() -> None:
    """Make the rows that are missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="MODEL")
    parser.add_argument("--versions", nargs="+", default=list(NAMES), choices=NAMES)
    parser.add_argument("--limit", type=float, default=1200, help="seconds for each")
    parser.add_argument("--page", action="store_true", help="write the page's table")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        for top in (True, False):
            print(json.dumps(convert_one(*options.one, top)), flush=True)
        return
    there = set() if options.only else {key[:2] for key in read_rows()}
    for version in options.versions:
        for name in () if options.page else options.only or SIZES:
            if (name, version) in there:
                continue
            for row in run(version, name, options.limit):
                print(row, file=sys.stderr, flush=True)
                if row["result"] != "isn't there":
                    keep(row)
    rows = list(read_rows().values())
    if options.page:
        text = PAGE.read_text(encoding="utf-8")
        text = PART.sub(lambda part: f"{part[1]}{table(rows)}{part[3]}", text)
        PAGE.write_text(text, encoding="utf-8")
    print(table(rows))
    print(share(rows))


if __name__ == "__main__":
    main()
