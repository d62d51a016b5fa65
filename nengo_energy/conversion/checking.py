"""What becomes of each layer of a Keras model, before anything is simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping

from ..common.exceptions import UnsupportedError
from ..keras_models.files import as_model
from ..layer_ops.counting import collect_layer_ops
from ..loihi.chip import CORES_PER_CHIP, MAX_COMPARTMENTS
from ..loihi.neurons import for_chip
from .converting import convert_layers

if TYPE_CHECKING:
    import pandas

    from ..network.topology import Population
    from .spiking_model import SpikingModel

BECOMES = ("synapses", "neurons", "host", "nothing", "refused")
"""What a layer may become."""


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
        Neurons of the layer.
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


@dataclass(frozen=True)
class ModelCheck:
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
        """Fewest cores of a Loihi chip that hold the neurons; synapses may need more."""
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
    reasons = {obstacle.layer: obstacle.reason for obstacle in found.obstacles}
    populations: dict[str, list[Population]] = {}
    for pop in found.topology.populations:
        populations.setdefault(pop.layer, []).append(pop)
    ops = collect_layer_ops(found.snn.clone.model)
    layers = tuple(
        _check_layer(row, found.snn, reasons, populations.get(row.layer, []), found.passed_on)
        for row in (*ops.layers, *ops.unsupported)
    )
    return ModelCheck(model.name, layers, tuple(map(str, found.obstacles)))
