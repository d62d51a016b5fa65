"""What becomes of each layer of a Keras model, before anything is simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Iterator, Mapping

from ..common.exceptions import NengoEnergyError, UnsupportedError
from ..common.shown import Shown
from ..keras_models.files import as_model
from ..keras_models.graph import is_model
from ..keras_models.held import held_by
from ..layer_ops.counting import collect_layer_ops
from ..layer_ops.layer_ops import LayerOps
from ..loihi.chip import CORES_PER_CHIP, MAX_COMPARTMENTS
from ..loihi.neurons import for_chip
from .layerwise import Converted, convert_layers

if TYPE_CHECKING:
    import pandas

    from ..network.topology import Population


@dataclass(frozen=True)
class LayerCheck:
    """What becomes of a layer.

    Attributes
    ----------
    layer, class_name : str
        Its name, ``"outer/inner"`` within another model, and its class.
    becomes : str
        ``"synapses"``, weights between neurons alone; ``"neurons"``, with their
        synapses; ``"host"``, computed in every timestep on decoded values;
        ``"nothing"``; or ``"refused"``.
    n_neurons : int
        Neurons of the layer, in all its calls.
    neuron_type : str
        Their types.
    n_activations : int
        Activations that the layer has in the conventional network.
    note : str
        What else there is to say, such as why the layer is refused and what helps.
    off_chip : str
        Why its neurons can't be on a Loihi chip, if they can't.
    """

    layer: str
    class_name: str
    becomes: str
    n_neurons: int = 0
    neuron_type: str = ""
    n_activations: int = 0
    note: str = ""
    off_chip: str = ""

    @property
    def n_added(self) -> int:
        """Neurons over the layer's own activations: of max pooling, all of them."""
        return max(0, self.n_neurons - self.n_activations)


@dataclass(frozen=True, repr=False)
class ModelCheck(Shown):
    """What becomes of the layers of a model; see `nengo_energy.check_model`.

    Attributes
    ----------
    model : str
        Name of the model.
    layers : tuple of LayerCheck
        In the order of the model, inputs left out.
    refusals : tuple of str
        Why the model can't be converted; empty if it can.
    """

    model: str
    layers: tuple[LayerCheck, ...]
    refusals: tuple[str, ...] = ()

    @property
    def converts(self) -> bool:
        """Whether `nengo_energy.convert` takes the model."""
        return not self.refusals

    @property
    def n_neurons(self) -> int:
        """Neurons of the whole network."""
        return sum(layer.n_neurons for layer in self.layers)

    @property
    def n_added(self) -> int:
        """Neurons over the activations of the conventional network."""
        return sum(layer.n_added for layer in self.layers)

    @property
    def min_cores(self) -> int:
        """Fewest cores of a Loihi chip that hold the neurons; synapses may ask more."""
        return sum(
            -(-layer.n_neurons // MAX_COMPARTMENTS)
            for layer in self.layers
            if not layer.off_chip
        )

    @property
    def min_chips(self) -> int:
        """Fewest Loihi chips that have as many cores."""
        return -(-self.min_cores // CORES_PER_CHIP)

    def to_frame(self) -> pandas.DataFrame:
        """Return a frame with a row for each layer, its columns the attributes."""
        from .check_text import check_frame

        return check_frame(self)

    def __str__(self) -> str:
        from .check_text import format_check

        return format_check(self)


def check_model(
    model: Any, custom_objects: Mapping[str, Any] | None = None, **options: Any
) -> ModelCheck:
    """Say what becomes of each layer of a Keras model, without a simulation.

    Parameters
    ----------
    model : keras.Model, str or os.PathLike
        As `nengo_energy.convert` takes it.
    custom_objects : mapping of str to object, optional
        See `nengo_energy.convert`.
    **options
        Those of `nengo_energy.convert` that say what layers become, such as
        ``max_pooling``, ``swap_activations`` and ``temporal_model``.

    Returns
    -------
    ModelCheck
        Layer by layer: synapses, neurons and how many, the host's work, nothing, or
        refused and what helps; and what of it a Loihi chip holds. Prints as a table.

    Examples
    --------
    >>> found = check_model(model)
    >>> found.converts
    True
    """
    model = as_model(model, custom_objects)
    try:
        found = convert_layers(model, **options)
    except UnsupportedError as error:  # before any layer was converted
        return ModelCheck(model.name, (), (str(error),))
    return check_converted(found)


def check_converted(found: Converted) -> ModelCheck:
    """Return what became of the layers of a model."""
    model = found.snn.clone.model
    try:
        ops = collect_layer_ops(model)
    except NengoEnergyError:  # shapes are open, which is among the obstacles
        ops = LayerOps(())
    activations = {row.layer: row.activations for row in ops.layers}
    layers = tuple(
        _check_layer(name, layer, activations.get(name, 0), found)
        for name, layer in _layers_of(model)
    )
    return ModelCheck(found.snn.model.name, layers, tuple(map(str, found.obstacles)))


def _layers_of(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the layers of a model and of the models within it, inputs left out."""
    for layer in model.layers:
        name = prefix + layer.name
        inner = getattr(layer, "layer", layer)
        if is_model(inner):
            yield from _layers_of(inner, f"{name}/")
        elif type(layer).__name__ != "InputLayer":
            yield name, layer


def _check_layer(
    name: str, layer: Any, n_activations: int, found: Converted
) -> LayerCheck:
    """Return what became of a layer."""
    snn = found.snn
    reasons = [o.reason for o in found.obstacles if o.layer == name]
    populations = [p for p in snn.topology.populations if p.layer == name]
    finals = [final for final in snn.finals.values() if final.layer == name]
    if reasons:
        becomes = "refused"
    elif name in snn.host_layers:
        becomes = "host"
    elif populations:
        becomes = "neurons"
    elif name in found.passed_on:
        becomes = "nothing"
    else:
        becomes = "synapses"
    notes = list(reasons)
    if becomes == "host":
        notes.append("computed in every timestep, on decoded values")
    if finals:
        notes.append("its activation is applied to the output, once an inference")
    return LayerCheck(
        layer=name,
        class_name=type(held_by(layer)).__name__,
        becomes=becomes,
        n_neurons=sum(p.n_neurons for p in populations),
        neuron_type=", ".join(dict.fromkeys(p.neuron_type for p in populations)),
        n_activations=n_activations,
        note="; ".join(notes),
        off_chip=next(filter(None, map(_off_chip, populations)), ""),
    )


def _off_chip(population: Population) -> str:
    """Return why neurons can't be on a Loihi chip; nothing if they can."""
    try:
        for_chip(population)
    except UnsupportedError as error:
        return str(error)
    return ""
