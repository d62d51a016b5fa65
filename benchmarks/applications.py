"""What becomes of the models of ``tf.keras.applications``, of Keras 2 and Keras 3.

Each is made without trained weights at the smallest input that makes sense for it, with
and without its classifier, and converted in a process of its own. Vectors of weights
(biases, shifts, means and variances of normalisation) are moved off their starting
values, so that none of them is nothing. Converted networks are compared with Keras with
rate neurons in place of spiking ones, as by every conversion; the error is the largest
difference of an output, relative to the largest output.

    python benchmarks/applications.py                     # one of each family, 2 h
    python benchmarks/applications.py --only VGG16 NASNetMobile --versions keras
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from nengo_energy.common.tables import format_table

VERSIONS = ("keras", "tf_keras")

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
        snn = ne.convert(model)
    except ne.NengoEnergyError as error:
        return {**row, "result": f"refused: {error}"}
    row["seconds"] = time.perf_counter() - start
    kinds = Counter(
        type(getattr(layer, "held_source", layer)).__name__
        for layer in map(snn.clone.layer, snn.host_layers)
    )
    pairs = outputs_of_rates(snn).values()
    errors = [np.max(np.abs(a - b)) / np.max(np.abs(a)) for a, b in pairs]
    return {
        **row,
        "result": "with the host" if kinds else "native",
        "neurons": sum(p.n_neurons for p in snn.topology.populations),
        "error": float(max(errors)),
        "host": ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def run(version: str, name: str, top: bool, limit: float) -> dict[str, Any]:
    """Return a row of the table, made by another process."""
    command = [sys.executable, __file__, "--one", version, name, str(int(top))]
    row = {"model": name, "version": version, "top": top}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {**row, "result": f"took over {limit:g} s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if lines:
        found: dict[str, Any] = json.loads(lines[-1])
        return found
    last = done.stderr.strip().splitlines()[-1:] or ["nothing said"]
    return {**row, "result": f"failed ({done.returncode}): {last[0]}"}


def as_cells(row: dict[str, Any]) -> list[str]:
    """Return a row of the printed table."""
    formats = {"neurons": "{:,}", "seconds": "{:.1f}", "error": "{:.1e}"}
    return [
        formats.get(name, "{}").format(row[name]) if name in row else ""
        for name in COLUMNS
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=list(SIZES), metavar="MODEL")
    parser.add_argument("--versions", nargs="+", default=list(VERSIONS))
    parser.add_argument("--limit", type=float, default=1200, help="seconds for each")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        version, name, top = options.one
        print(json.dumps(convert_one(version, name, bool(int(top)))))
        return
    rows = []
    for name in options.only:
        for version in options.versions:
            for top in (True, False):
                row = run(version, name, top, options.limit)
                print(" | ".join(as_cells(row)), file=sys.stderr, flush=True)
                if row["result"] != "isn't there":
                    rows.append(row)
    print(format_table([list(COLUMNS)], [as_cells(row) for row in rows], [], 160))
    n_converted = sum(row["result"] in ("native", "with the host") for row in rows)
    print(f"{n_converted} of {len(rows)} convert, {n_converted / len(rows):.0%}")


if __name__ == "__main__":
    main()
