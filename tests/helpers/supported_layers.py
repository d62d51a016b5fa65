"""The page of supported layers, from the registry of conversions and its examples.

python tests/helpers/supported_layers.py    rewrites docs/supported-layers.md
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np
from converted_layers import EXAMPLES, NOT_LAYERS
from paths import ROOT

from nengo_energy.compat import import_tensorflow, import_tf_keras
from nengo_energy.conversion.layers import registry
from nengo_energy.conversion.layers.curves import (
    Line,
    Rectifiers,
    is_elementwise,
    read_curve,
)

PAGE = ROOT / "docs" / "supported-layers.md"

PARTS = re.compile(r"(<!-- (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
"""Parts of the page that are written here."""

HOW = {
    "synapses": "Its weights are read off by running it.",
    "host": "Keras computes it on decoded values.",
    "nothing": "It does nothing at inference.",
    "refused": "",
}
"""What is said of classes without a conversion of their own."""

REASONS = {
    "RandomHeight": "Its output has no fixed size; leave it out, as inference does.",
    "RandomWidth": "Its output has no fixed size; leave it out, as inference does.",
    "StringLookup": "It takes text; apply it to the data.",
    "TextVectorization": "It takes text; apply it to the data.",
}
"""Why classes are refused, and what helps."""

ACTIVATIONS = (
    "linear relu relu6 leaky_relu hard_sigmoid hard_tanh hard_shrink soft_shrink elu "
    "selu celu gelu silu sigmoid tanh softplus softsign mish exponential hard_silu "
    "log_sigmoid tanh_shrink squareplus sparse_plus sparse_sigmoid softmax "
    "log_softmax sparsemax glu"
).split()
"""Activation functions of both Keras."""


def layers_table() -> str:
    """Return a row for each class of layers."""
    homes = {"2": import_tf_keras(), "3": _keras()}
    rows = []
    for name, example in sorted(EXAMPLES.items()):
        keras = ", ".join(n for n, k in homes.items() if hasattr(k.layers, name))
        becomes = example.becomes
        if _takes_activation(homes, name) and becomes in ("neurons", "synapses"):
            becomes = "synapses; with an `activation`, neurons"
        rows.append((f"`{name}`", keras, becomes, _how(name, example.becomes)))
    return _table(("layer", "Keras", "becomes", "how"), rows)


def others_table() -> str:
    """Return a row for each class that isn't a layer of its own."""
    rows = [(f"`{name}`", why) for name, why in sorted(NOT_LAYERS.items())]
    return _table(("class", "what it is"), rows)


def activations_table() -> str:
    """Return a row for each activation function of Keras."""
    found = {name: _function(name) for name in ACTIVATIONS}
    rows = [
        (f"`{name}`", *_neurons(function))
        for name, function in found.items()
        if function is not None
    ]
    return _table(("function", "becomes", "neurons a unit"), rows)


def _takes_activation(homes: dict[str, Any], name: str) -> bool:
    if name == "Activation":
        return False
    classes = [
        getattr(k.layers, name) for k in homes.values() if hasattr(k.layers, name)
    ]
    return any(
        "activation" in inspect.signature(c.__init__).parameters for c in classes
    )


def _how(name: str, becomes: str) -> str:
    conversion = registry._CONVERSIONS.get((name, True))
    if becomes == "refused" or conversion is None:
        return REASONS.get(name, HOW.get(becomes, ""))
    text = str(conversion.__doc__).partition("\n")[0].replace("``", "`")
    text = text.removeprefix("Convert ")
    return text[0].upper() + text[1:]


def _neurons(function: Any) -> tuple[str, str]:
    """Return what a function of single values becomes, and how many neurons."""
    curve = read_curve(lambda x: _values(function, x)) if _by_element(function) else 0
    if curve == 0:
        return "the host's work", ""
    if curve is None:
        return "neurons with its curve, not on Loihi", "1"
    if isinstance(curve, Line):
        return "nothing" if curve == Line(0.0, 1.0) else "synapses", ""
    assert isinstance(curve, Rectifiers)
    return "rectified linear neurons", str(len(curve.terms))


def _by_element(function: Any) -> bool:
    try:
        return is_elementwise(lambda x: _values(function, x))
    except Exception:  # one of vectors
        return False


def _values(function: Any, x: Any) -> Any:
    tensor = import_tensorflow().constant(np.asarray(x, "float32")[None])
    return np.asarray(function(tensor))[0]


def _function(name: str) -> Any:
    """Return an activation function of Keras 3, or of Keras 2."""
    for keras in (_keras(), import_tf_keras()):
        if hasattr(keras.activations, name):
            return getattr(keras.activations, name)
    return None


def _keras() -> Any:
    import keras

    return keras


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


TABLES = {
    "layers": layers_table,
    "others": others_table,
    "activations": activations_table,
}


def fresh(text: str) -> str:
    """Return the page with its tables written anew."""
    return PARTS.sub(lambda part: f"{part[1]}{TABLES[part[2]]()}\n{part[4]}", text)


if __name__ == "__main__":
    PAGE.write_text(fresh(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
