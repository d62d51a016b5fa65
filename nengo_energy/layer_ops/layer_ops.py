"""What a conventional Keras model computes: operations by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator

from ..common.assumptions import Assumption
from ..common.shown import Shown
from ..common.sums import sum_by_key
from ..common.tables import format_table, plural
from ..counts import OpCount
from .calls import Shape
from .counters import Operations

BYTES = 4
"""Bytes of a number, as Keras computes; a device that takes fewer moves fewer."""


@dataclass(frozen=True)
class LayerCount:
    """Operations of one layer for one sample and one timestep.

    Attributes
    ----------
    layer : str
        Name; a layer inside a nested model is called ``"outer/inner"``.
    class_name : str
        Class of the layer.
    output_shape : tuple of int or None
        Shape of the first output as Keras prints it, batch axis included.
    params : int
        Number of parameters; 0 for a layer that an earlier row already has.
    calls : tuple of Operations
        What each call of the layer takes in one timestep, in the order of the graph:
        several for a shared layer.
    n_steps : int
        Number of timesteps that one inference takes of the layer. 1 but for layers
        along a time axis of known length, in a model that has a recurrent one.
    weights : int
        Weights that are read in one timestep, over all calls.
    values : int
        Inputs that are read and outputs that are written in one timestep, by all
        kernels.
    n_starts : int
        How often one inference starts the layer's kernels and reads its weights: in
        every timestep of a recurrent layer, else once.
    """

    layer: str
    class_name: str
    output_shape: Shape
    params: int
    calls: tuple[Operations, ...]
    n_steps: int = 1
    weights: int = 0
    values: int = 0
    n_starts: int = 1

    @property
    def connections(self) -> int:
        """Nominal number of connections in one timestep, over all calls.

        Kernel size x input filters / groups x output size for a convolution, input
        size x output size for ``Dense``. Links to padding are included; biases are
        not.
        """
        return sum(call.connections for call in self.calls)

    @property
    def activations(self) -> int:
        """Outputs of nonlinearities, of the layer itself or of its ``activation``."""
        return sum(call.activations for call in self.calls)

    @property
    def additions(self) -> int:
        """Additions without a weight, in average pooling and merging."""
        return sum(call.additions for call in self.calls)

    @property
    def kernels(self) -> int:
        """Kernels that a processor starts: for sums, and for nonlinearities."""
        return sum(call.n_kernels for call in self.calls)

    @property
    def forms(self) -> dict[str, int]:
        """Connections by kind of layer; ``""`` for those of no kind."""
        found = sum_by_key(form for call in self.calls for form in call.forms)
        rest = self.connections - sum(found.values())
        return {**found, "": rest} if rest or not found else found

    @property
    def n_uses(self) -> int:
        """How often the model calls the layer."""
        return len(self.calls)


@dataclass(frozen=True)
class UncountedLayer:
    """A layer that nobody said how to count.

    Attributes
    ----------
    layer, class_name, output_shape, params
        As in `LayerCount`.
    reason : str
        Why it isn't counted.
    remedy : str
        The call that would say how, if there is one.
    """

    layer: str
    class_name: str
    output_shape: Shape
    params: int
    reason: str
    remedy: str = ""


@dataclass(frozen=True, repr=False)
class LayerOps(Shown):
    """Operations of a conventional network for one inference.

    Attributes
    ----------
    layers : tuple of LayerCount
        The counted layers, in the order of the model's summary.
    unsupported : tuple of UncountedLayer
        The layers that are missing from the counts.
    assumptions : tuple of Assumption
        What the counts take for granted.
    """

    layers: tuple[LayerCount, ...]
    unsupported: tuple[UncountedLayer, ...] = ()
    assumptions: tuple[Assumption, ...] = ()

    @property
    def coverage(self) -> float:
        """Fraction of the model's layers that is counted."""
        n_layers = len(self.layers) + len(self.unsupported)
        return len(self.layers) / n_layers if n_layers else 1.0

    @property
    def params(self) -> int:
        """Number of parameters of the whole model, uncounted layers included."""
        counted = sum(row.params for row in self.layers)
        return counted + sum(row.params for row in self.unsupported)

    @property
    def connections(self) -> int:
        """Number of connections of the counted layers, in all timesteps."""
        return sum(row.connections * row.n_steps for row in self.layers)

    @property
    def activations(self) -> int:
        """Number of activations of the counted layers, in all timesteps."""
        return sum(row.activations * row.n_steps for row in self.layers)

    @property
    def additions(self) -> int:
        """Number of additions of the counted layers, in all timesteps."""
        return sum(row.additions * row.n_steps for row in self.layers)

    @property
    def kernels(self) -> int:
        """Number of kernels that a processor starts for one inference."""
        return sum(row.kernels * row.n_starts for row in self.layers)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights that one inference reads, at 32 bits each."""
        return BYTES * sum(row.weights * row.n_starts for row in self.layers)

    @property
    def activation_bytes(self) -> int:
        """Bytes of the inputs and outputs of all kernels, at 32 bits each."""
        return BYTES * sum(row.values * row.n_steps for row in self.layers)

    def to_counts(self) -> tuple[OpCount, ...]:
        """Return the counts as rows for one inference; operations never done have none.

        A connection is one ``mac``. Layers that run along time count with all their
        timesteps.
        """
        return tuple(row for layer in self.layers for row in _rows(layer))

    def __str__(self) -> str:
        body = [
            [row.layer, row.class_name, f"{row.connections:,}", f"{row.activations:,}"]
            for row in self.layers
        ]
        body += [
            [row.layer, row.class_name, "not counted", ""] for row in self.unsupported
        ]
        title = (
            f"{plural(len(body), 'layer')}, {plural(self.connections, 'connection')}, "
            f"{plural(self.activations, 'activation')}"
        )
        header = ["layer", "class", "connections", "activations"]
        return f"{title}\n\n{format_table([header], body)}"


def _rows(layer: LayerCount) -> Iterator[OpCount]:
    """Yield the counts of a layer for one inference."""
    forms, steps, starts = layer.forms, layer.n_steps, layer.n_starts
    main = next(iter(forms))
    for operation, total, form in (
        *(("mac", n * steps, form) for form, n in forms.items()),
        ("activation", layer.activations * steps, main),
        ("addition", layer.additions * steps, main),
        ("kernel", layer.kernels * starts, main),
        ("weight_byte", BYTES * layer.weights * starts, main),
        ("activation_byte", BYTES * layer.values * steps, main),
    ):
        if total:
            yield OpCount(
                layer.layer, operation, total, 1, execution="dense", form=form
            )
