"""Layers of a model with their counts and rates, nested models summed or opened."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Generic, Iterator, Mapping, Sequence, TypeVar

from ..common.exceptions import NotFoundError
from ..keras_models.graph import Call, read_graph
from ..layer_ops.calls import members, walk_layers
from ..layer_ops.counting import n_params
from ..layer_ops.layer_ops import LayerCount, LayerOps
from .rates import CallRates

Value = TypeVar("Value")


class LayerNotFoundError(NotFoundError, KeyError):
    """A layer that isn't in the model; also a `KeyError`, as of a dict."""


@dataclass(frozen=True)
class LayerRates:
    """What passes a layer each second, all its calls together.

    Attributes
    ----------
    arriving : float
        Events at a mean element of the layer's inputs [Hz].
    synops : float
        Synaptic operations [1/s].
    leaving : float
        Events at a mean neuron of the layer [Hz].
    """

    arriving: float
    synops: float
    leaving: float


UNKNOWN = LayerRates(math.nan, math.nan, math.nan)
"""Rates without example data."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One line of the summary: a layer of the model, or of a model within it.

    Attributes
    ----------
    layer : keras layer
        The object; of a model within, the model.
    name : str
        Name, ``"outer/inner"`` in a model within.
    class_name : str
        Name of its class.
    output_shape : str
        As Keras prints it.
    params : int
        Number of parameters.
    counts : tuple of LayerCount
        Its counts; of a model within, those of its layers; none if it isn't counted.
    rates : LayerRates
        Its rates; of a model within, the mean over connections.
    """

    layer: Any
    name: str
    class_name: str
    output_shape: str
    params: int
    counts: tuple[LayerCount, ...]
    rates: LayerRates

    @property
    def is_counted(self) -> bool:
        """Whether anything of the layer could be counted."""
        return bool(self.counts)

    @property
    def connections(self) -> int:
        """Connections in one timestep."""
        return sum(count.connections for count in self.counts)

    @property
    def neurons(self) -> int:
        """Neuron updates in one timestep."""
        return sum(count.activations for count in self.counts)

    @property
    def n_steps(self) -> int:
        """Timesteps that one inference takes of it: the length of its sequence."""
        return max((count.n_steps for count in self.counts), default=1)

    @property
    def spiking(self) -> bool:
        """Whether a spiking device runs the layer as it is."""
        return all(call.is_spiking for count in self.counts for call in count.calls)

    @property
    def stats(self) -> dict[str, Any]:
        """The counts by KerasSpiking's names, None if it isn't counted."""
        return {
            "neurons": self.neurons if self.is_counted else None,
            "connections": self.connections if self.is_counted else None,
            "spiking": self.spiking if self.is_counted else None,
        }


class LayerMap(Mapping, Generic[Value]):
    """Values by layer, given as object or by name; iterates over the model's layers.

    Layers of models within are found as well, by their object or as
    ``"outer/inner"``.
    """

    def __init__(
        self, model_name: str, layers: Sequence[Layer], inner: Sequence[Layer], get: Any
    ) -> None:
        self._model_name = model_name
        self._layers = layers
        self._get = get
        self._found: dict[Any, Layer] = {}
        for layer in (*layers, *inner):
            self._found.setdefault(id(layer.layer), layer)
            self._found.setdefault(layer.name, layer)

    def __getitem__(self, key: Any) -> Value:
        value: Value = self._get(self.find(key))
        return value

    def find(self, key: Any) -> Layer:
        """Return the line of a layer.

        Raises
        ------
        LayerNotFoundError
            If the model has no such layer.
        """
        found = self._found.get(key if isinstance(key, str) else id(key))
        if found is None:
            known = ", ".join(layer.name for layer in self._layers)
            shown = repr(getattr(key, "name", key))
            raise LayerNotFoundError(
                f"layer {shown} isn't in model {self._model_name!r}; known: {known}"
            )
        return found

    def __iter__(self) -> Iterator[Any]:
        return iter(layer.layer for layer in self._layers)

    def __len__(self) -> int:
        return len(self._layers)


def open_layers(
    model: Any,
    ops: LayerOps,
    rates: Mapping[str, Sequence[CallRates]],
    strict_compat: bool,
) -> tuple[Layer, ...]:
    """Return a line for each layer, those of models within in place of the models.

    With ``strict_compat`` a model within is a layer like others.
    """
    counts = {count.layer: (count,) for count in ops.layers}
    if strict_compat:
        found = [(layer.name, layer) for layer in members(model)]
    else:
        found = [(use.name, use.layer) for use in walk_layers(model)]
    shapes = {row.layer: str(row.output_shape) for row in ops.layers + ops.unsupported}
    params = {row.layer: row.params for row in ops.layers + ops.unsupported}
    rate_of = rates_like_kerasspiking if strict_compat else _rates
    return tuple(
        Layer(
            layer=layer,
            name=name,
            class_name=type(layer).__name__,
            output_shape=shapes[name],
            params=params[name],
            counts=counts.get(name, ()),
            rates=rate_of(counts.get(name, ()), rates[name]) if rates else UNKNOWN,
        )
        for name, layer in found
    )


def close_layers(model: Any, opened: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return a line for each layer of the model itself, models within summed up."""
    calls: dict[int, list[Call]] = {}
    for call in read_graph(model).calls:
        calls.setdefault(id(call.layer), []).append(call)
    lines = {layer.name: layer for layer in opened}
    closed = []
    for member in members(model):
        name = member.name
        inner = [line for line in opened if line.name.startswith(f"{name}/")]
        line = lines.get(name)
        closed.append(
            Layer(
                layer=member,
                name=name,
                class_name=type(member).__name__,
                output_shape=_shown_shape(member, calls[id(member)]),
                params=n_params(member),
                counts=(
                    line.counts if line else tuple(c for i in inner for c in i.counts)
                ),
                rates=line.rates if line else _merge_rates(inner),
            )
        )
    return tuple(closed)


def rates_like_kerasspiking(
    counts: Sequence[LayerCount], calls: Sequence[CallRates]
) -> LayerRates:
    """Return the rates of a layer with its calls added up before multiplying."""
    arriving = sum(call.arriving for call in calls)
    n_connections = sum(count.connections for count in counts)
    return LayerRates(arriving, arriving * n_connections, _mean_leaving(counts, calls))


def _rates(counts: Sequence[LayerCount], calls: Sequence[CallRates]) -> LayerRates:
    """Return the rates of a layer, each call with its own connections."""
    n_connections = [call.connections for count in counts for call in count.calls]
    synops = sum(n * call.arriving for n, call in zip(n_connections, calls))
    if any(n_connections):
        arriving = synops / sum(n_connections)
    else:
        arriving = sum(call.arriving for call in calls) / len(calls)
    return LayerRates(arriving, synops, _mean_leaving(counts, calls))


def _mean_leaving(counts: Sequence[LayerCount], calls: Sequence[CallRates]) -> float:
    n_neurons = [call.activations for count in counts for call in count.calls]
    if not any(n_neurons):
        return sum(call.leaving for call in calls) / len(calls)
    return sum(n * c.leaving for n, c in zip(n_neurons, calls)) / sum(n_neurons)


def _merge_rates(layers: Sequence[Layer]) -> LayerRates:
    """Return the rates of a model from those of its layers."""
    synops = sum(layer.rates.synops for layer in layers)
    n_neurons = sum(layer.neurons for layer in layers)
    n_connections = sum(layer.connections for layer in layers)
    events = sum(layer.rates.leaving * layer.neurons for layer in layers)
    return LayerRates(
        synops / n_connections if n_connections else layers[0].rates.arriving,
        synops,
        events / n_neurons if n_neurons else layers[-1].rates.leaving,
    )


def _shown_shape(layer: Any, calls: Sequence[Call]) -> str:
    """Return the output shape of a layer as Keras 2's summary prints it."""
    shapes: list[Any] = [
        [tuple(output.shape) for output in call.outputs] for call in calls
    ]
    if any(shape != shapes[0] for shape in shapes):
        return "multiple"
    several = len(shapes[0]) > 1 or type(layer).__name__ == "InputLayer"
    return str(shapes[0] if several else shapes[0][0])
