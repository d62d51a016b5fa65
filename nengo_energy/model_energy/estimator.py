"""`ModelEnergy`, the face that users of KerasSpiking know."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence

from ..common.exceptions import InputError
from ..common.shown import Shown
from ..estimates.estimate import DeviceLike
from ..layer_ops.counting import ONE_TIMESTEP, collect_layer_ops
from .devices import Devices, register
from .energies import LayerEnergies
from .statistics import StatsFunction, layer_stats, register_stats

if TYPE_CHECKING:
    import pandas

    from ..activity.activity import Activity
    from ..conversion.spiking_model import SpikingModel
    from ..estimates.estimate import EnergyEstimate
    from .measured import MeasuredComparison

DEFAULT_COLUMNS = (
    "name",
    "output_shape",
    "params",
    "connections",
    "neurons",
    "energy cpu",
)


class ModelEnergy(LayerEnergies, Shown):
    """Energy of a Keras model by layer and device, from its shapes and example data.

    On dense devices (``cpu``, ``gpu``, ...) the model runs once per inference, and
    every connection and every activation costs. On event-driven devices (``loihi``,
    ...) the model is taken to run as spiking neurons: activations are read as firing
    rates in Hz, and

    - synops = mean input rate x dt x timesteps x connections,
    - neuron updates = neurons x timesteps.

    That is what KerasSpiking's class of this name computes, and suffices for models
    whose activations are rates. A plain ReLU network's activations aren't: what its
    converted network really spikes is measured by ``to_spiking().measure(...)``, and
    `compare_measured` shows both.

    Parameters
    ----------
    model : keras.Model, str or os.PathLike
        A functional or Sequential model of Keras 2 or Keras 3, built.
    example_data : array_like, list, mapping, or iterable of batches, optional
        What ``model.predict`` takes. Its activations are the rates that event-driven
        devices need; dense devices don't.
    on_unsupported : str
        What to do with a layer that can't be counted: ``"error"``, or ``"warn"`` to
        leave it out and say so.
    strict_compat : bool
        Count as KerasSpiking 0.3.0 does, mistakes included; for comparisons.
    sequence_length : int, optional
        Timesteps of an inference along time axes without a length, such as that of
        ``Input((None, 4))``. Dense devices then run the whole sequence, and spiking
        ones at least as many timesteps. By default such axes count as one timestep on
        dense devices, as in KerasSpiking.
    progress : bool, optional
        Show a progress bar while example data is run; by default in a terminal.

    Attributes
    ----------
    model : keras.Model
        The model.
    example_data : object
        As given.
    devices : Mapping
        Energies of the known devices by name, as KerasSpiking has them.

    Raises
    ------
    InputError
        If the model isn't one or wasn't built, or the data doesn't fit it.
    UnsupportedError
        If a layer can't be counted, or the model is written as a subclass.

    Examples
    --------
    >>> import tf_keras
    >>> from nengo_energy import ModelEnergy
    >>> layers = [tf_keras.Input((4,)), tf_keras.layers.Dense(10, "relu", name="dense")]
    >>> energy = ModelEnergy(tf_keras.Sequential(layers))
    >>> energy.layer_stats["dense"]
    {'neurons': 10, 'connections': 40, 'spiking': False}
    """

    devices: Mapping[str, Mapping[str, Any]] = Devices()

    @classmethod
    def compute_layer_stats(cls, layer: Any, node: Any = None) -> dict[str, Any]:
        """Return connections, neurons and whether the layer spikes, for one call.

        Parameters
        ----------
        layer : keras layer
            A layer that has been called.
        node : keras node, optional
            The call that is meant; by default the first.

        Raises
        ------
        InputError
            If it isn't a layer, or was never called.
        UnsupportedError
            If its class has no counter.
        """
        return layer_stats(layer, node)

    @classmethod
    def register_layer(
        cls, layer_class: type
    ) -> Callable[[StatsFunction], StatsFunction]:
        """Return a decorator for a function that counts a class of layers.

        The function takes a node, with ``layer``, ``input_shapes`` and
        ``output_shapes`` of one timestep, batch axis first, and returns a dict of
        ``connections`` (0 by default), ``neurons`` (0 by default) and ``spiking``
        (whether a spiking device runs the layer as it is; True by default).

        Parameters
        ----------
        layer_class : type
            The class; one of the same name in the other Keras is counted alike.

        Examples
        --------
        >>> import tf_keras
        >>> class Doubling(tf_keras.layers.Layer):
        ...     def call(self, inputs):
        ...         return 2 * inputs
        >>> @ModelEnergy.register_layer(Doubling)
        ... def count_doubling(node):
        ...     return {"connections": node.output_shapes[-1]}
        """

        def decorate(function: StatsFunction) -> StatsFunction:
            register_stats(layer_class, function)
            return function

        return decorate

    @classmethod
    def register_device(
        cls,
        device_name: str,
        energy_per_synop: float,
        energy_per_neuron: float,
        spiking: bool,
    ) -> None:
        """Make a device known, or change one, for all of the package.

        Parameters
        ----------
        device_name : str
            Name; look-ups ignore its case.
        energy_per_synop : float
            Energy of a synop, or a connection of a dense device [J].
        energy_per_neuron : float
            Energy of a neuron update, or an activation of a dense device [J].
        spiking : bool
            True for an event-driven device, False for a dense one.

        Raises
        ------
        InputError
            If an energy isn't a number of at least zero, or ``spiking`` no bool.
        """
        register(device_name, energy_per_synop, energy_per_neuron, spiking)

    # Reports

    def _headline(self) -> str:
        with_data = "with" if self.has_rates else "without"
        return f"{self.model.name!r} {with_data} example data"

    def __str__(self) -> str:
        return self.summary_string()

    def summary(
        self,
        columns: Sequence[str] = DEFAULT_COLUMNS,
        timesteps_per_inference: int = 1,
        dt: float | None = None,
        line_length: int = 98,
        print_warnings: bool = True,
        *,
        expand_nested: bool = False,
    ) -> None:
        """Print a table of the layers, and the totals by device.

        Parameters
        ----------
        columns : sequence of str
            ``"name"``, ``"output_shape"``, ``"params"``, ``"connections"``,
            ``"neurons"``, ``"rate"`` (mean input rate), and for any device
            ``"energy loihi"``, ``"synop_energy loihi"``, ``"neuron_energy loihi"``.
        timesteps_per_inference, dt
            As in ``layer_energy``.
        line_length : int
            Width of the table; cells that don't fit are cut.
        print_warnings : bool
            Print what the figures take for granted.
        expand_nested : bool
            Show the layers of models within.
        """
        print(
            self.summary_string(
                columns,
                timesteps_per_inference,
                dt,
                line_length,
                print_warnings,
                expand_nested=expand_nested,
            )
        )

    def summary_string(
        self,
        columns: Sequence[str] = DEFAULT_COLUMNS,
        timesteps_per_inference: int = 1,
        dt: float | None = None,
        line_length: int = 98,
        print_warnings: bool = True,
        *,
        expand_nested: bool = False,
    ) -> str:
        """Return what `summary` prints."""
        from .summary import format_summary

        return format_summary(
            self,
            columns,
            timesteps_per_inference,
            dt,
            line_length,
            print_warnings,
            expand_nested,
        )

    def to_frame(
        self,
        columns: Sequence[str] = DEFAULT_COLUMNS,
        timesteps_per_inference: int = 1,
        dt: float | None = None,
        *,
        expand_nested: bool = False,
    ) -> pandas.DataFrame:
        """Return the table of `summary` as a frame, unrounded.

        Parameters
        ----------
        columns, timesteps_per_inference, dt, expand_nested
            As in `summary`; ``"name"`` gives the two columns ``name`` and
            ``class_name``.

        Returns
        -------
        pandas.DataFrame
            A row per layer; ``attrs["units"]`` has the unit of each column with one.
        """
        from .summary import summary_frame

        return summary_frame(self, columns, timesteps_per_inference, dt, expand_nested)

    def frame_beside(self, estimate: EnergyEstimate) -> pandas.DataFrame:
        """Return the table for the devices and timesteps of an estimate.

        Parameters
        ----------
        estimate : EnergyEstimate
            Of the same model, such as the one that a report is about.

        Returns
        -------
        pandas.DataFrame
            See `to_frame`. Without example data it has no rates, nor the energies of
            devices that hang on them.
        """
        from .summary import frame_beside

        return frame_beside(self, estimate)

    # Deployment

    def to_spiking(self, **convert_options: Any) -> SpikingModel:
        """Convert the model to spiking neurons; see `nengo_energy.convert`.

        Parameters
        ----------
        **convert_options
            Passed on: ``scale_firing_rates``, by default ``"auto"`` where there is
            example data without a time axis, ``synapse``, ... A model with a time axis
            is converted with ``temporal_model=True``.

        Returns
        -------
        SpikingModel
            Measured, priced and deployed from one object; its activity can be given to
            `compare_measured`.
        """
        from ..conversion.converting import convert

        # counted anew, as a sequence_length tells nothing of the model
        if ONE_TIMESTEP in collect_layer_ops(self.model).assumptions:
            convert_options.setdefault("temporal_model", True)
        given = convert_options.keys() & {"scale_firing_rates", "temporal_model"}
        if self.example_data is not None and not given:
            convert_options["scale_firing_rates"] = "auto"
            convert_options.setdefault("example_data", self.example_data)
        snn = convert(self.model, **convert_options)
        self._networks[snn.topology.fingerprint] = snn
        return snn

    def compare_measured(
        self, activity: Activity, devices: Sequence[DeviceLike] = ("loihi",)
    ) -> MeasuredComparison:
        """Put the rates and energies assumed here beside measured ones.

        Parameters
        ----------
        activity : Activity
            Measured on a network from `to_spiking`.
        devices : sequence of str or Device
            Event-driven devices to price both on.

        Returns
        -------
        MeasuredComparison
            Prints as a table; ``to_frame()`` has the figures.

        Raises
        ------
        InputError
            If there was no example data, or the activity is of another network.
        """
        from .measured import compare_measured

        snn = self._networks.get(activity.fingerprint)
        if snn is None:
            raise InputError(
                "the activity was measured on another network; measure one that this "
                "object's to_spiking() returned"
            )
        return compare_measured(self, snn, activity, devices)

    @cached_property
    def _networks(self) -> dict[str, SpikingModel]:
        """The networks that `to_spiking` returned, by fingerprint."""
        return {}
