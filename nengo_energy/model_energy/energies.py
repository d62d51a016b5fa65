"""What each layer of a Keras model costs, by counts, rates and prices."""

from __future__ import annotations

import copy
import inspect
import sys
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence, TypeVar

from .. import devices as registry
from ..common.assumptions import Assumption
from ..common.checks import check_choice, check_count, check_flag, check_positive
from ..common.defaults import DT
from ..common.exceptions import InputError
from ..conversion.datasets import input_arrays
from ..counts import OpCounts
from ..devices import Device
from ..estimates.estimate import DeviceLike
from ..keras_models.files import as_model
from ..layer_ops.counting import collect_layer_ops, complain_of_unsupported
from ..layer_ops.layer_ops import LayerOps, UncountedLayer
from ..pricing.energy import estimate_energy
from .counting import count_expected_ops
from .devices import resolve
from .kerasspiking import check_one_width, count_like_kerasspiking
from .layers import Layer, LayerMap, close_layers, open_layers
from .rates import CallRates, measure_rates

if TYPE_CHECKING:
    from ..estimates.estimate import EnergyEstimate

Energies = TypeVar("Energies", bound="LayerEnergies")

NEURON_OPERATIONS = ("neuron_update_active", "neuron_update_inactive", "activation")
"""Operations whose energy is neuron energy; that of all others is synop energy."""


class LayerEnergies:
    """Counts, rates and energies of a Keras model's layers.

    See `ModelEnergy`, which adds reports and deployment, for the parameters.
    """

    def __init__(
        self,
        model: Any,
        example_data: Any = None,
        *,
        on_unsupported: str = "error",
        strict_compat: bool = False,
        sequence_length: int | None = None,
        progress: bool | None = None,
    ) -> None:
        self.model = as_model(model)
        if inspect.isgenerator(example_data):  # which can be read once
            example_data = input_arrays(example_data, self.model)
        self.example_data = example_data
        self.strict_compat = check_flag("strict_compat", strict_compat)
        check_choice("on_unsupported", on_unsupported, ("error", "warn"))
        if sequence_length is not None:
            check_count("sequence_length", sequence_length)
            if strict_compat:
                raise InputError(
                    "sequence_length can't go with strict_compat: KerasSpiking counts "
                    "one timestep"
                )
        if strict_compat:
            ops = count_like_kerasspiking(self.model)
        else:
            ops = collect_layer_ops(self.model, sequence_length)
            complain_of_unsupported(ops, on_unsupported)
        rates: Mapping[str, tuple[CallRates, ...]] = {}
        if example_data is not None:
            if strict_compat:
                check_one_width(self.model)
            rates = measure_rates(
                self.model,
                example_data,
                follow_events=not strict_compat,
                progress=progress,
            )
        self._rates = rates
        self._set_ops(ops)

    def _set_ops(self, ops: LayerOps) -> None:
        self._ops = ops
        self._opened = open_layers(self.model, ops, self._rates, self.strict_compat)
        self._layers = close_layers(self.model, self._opened)

    def along(self: Energies, sequence_length: int) -> Energies:
        """Return the same, with an inference that takes a sequence of this length.

        Example data isn't run again.
        """
        check_count("sequence_length", sequence_length)
        other = copy.copy(self)
        other._set_ops(collect_layer_ops(self.model, sequence_length))
        return other

    @property
    def has_rates(self) -> bool:
        """Whether there was example data, so that event-driven devices have a price."""
        return self.example_data is not None

    @property
    def layer_stats(self) -> Mapping[Any, dict[str, Any]]:
        """``connections``, ``neurons`` and ``spiking`` by layer, object or name."""
        return self._by_layer(lambda layer: layer.stats)

    @property
    def layer_rates(self) -> Mapping[Any, float]:
        """Mean input rate by layer, object or name [Hz]; empty without example data.

        Of a shared layer, the mean over its calls by their connections. Behind layers
        that pass events on, such as pooling, it is the rate of events: not the pooled
        value, but the sum over the window.
        """
        if not self.has_rates:
            return {}
        return self._by_layer(lambda layer: layer.rates.arriving)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The lines of the summary."""
        return self._layers

    @property
    def inner_layers(self) -> tuple[Layer, ...]:
        """The lines of the summary with models within opened."""
        return self._opened

    @property
    def coverage(self) -> float:
        """Fraction of the layers that is counted."""
        return self._ops.coverage

    @property
    def unsupported(self) -> tuple[UncountedLayer, ...]:
        """The layers that aren't counted, with the reason."""
        return self._ops.unsupported

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What the counts take for granted."""
        return self.count().assumptions

    def layer_energy(
        self,
        layer: Any,
        device: DeviceLike,
        timesteps_per_inference: int = 1,
        dt: float | None = None,
    ) -> tuple[float, float]:
        """Return the energy of one layer, of all its calls together.

        Parameters
        ----------
        layer : keras layer or str
            The layer or its name.
        device : str or Device
            The device.
        timesteps_per_inference : int
            Timesteps that the spiking network takes; a dense device takes one pass.
            Layers along a whole sequence take at least its length on both.
        dt : float, optional
            Length of a timestep on the device [s]; a millisecond by default.

        Returns
        -------
        synop_energy, neuron_energy : float
            Energy of synops and of neuron updates [J per inference].

        Raises
        ------
        InputError
            If the device is event-driven and there was no example data.
        NotFoundError
            If there is no such layer or device.
        """
        found = self._by_layer(lambda line: line).find(layer)
        energies = self.energies(device, timesteps_per_inference, dt)
        return sum_energies(energies, found)

    def total_energy(
        self,
        device: DeviceLike,
        timesteps_per_inference: int = 1,
        dt: float | None = None,
    ) -> float:
        """Return the energy of all layers [J per inference]; see `layer_energy`."""
        energies = self.energies(device, timesteps_per_inference, dt)
        return sum(sum(sum_energies(energies, layer)) for layer in self._layers)

    def estimate(
        self,
        devices: DeviceLike | Sequence[DeviceLike] | None = None,
        timesteps_per_inference: int = 1,
        dt: float | None = None,
        *,
        host: DeviceLike | None = None,
    ) -> EnergyEstimate:
        """Return the same energies as an `EnergyEstimate`: intervals, totals, sources.

        Parameters
        ----------
        devices : str, Device or sequence of them, optional
            By default `nengo_energy.devices.default_names`; without example data, the
            dense ones among them.
        timesteps_per_inference, dt
            As in `layer_energy`.
        host : str or Device, optional
            See `nengo_energy.estimate_energy`.
        """
        if devices is None:
            known = [resolve(name) for name in registry.default_names()]
            devices = [d for d in known if self.has_rates or d.kind == "dense"]
        if isinstance(devices, (str, Device)):
            devices = [devices]
        models = [resolve(device) for device in devices]
        for model in models:
            self._check_has_rates(model)
        counts = self.count(timesteps_per_inference, dt)
        return estimate_energy(counts, models, host=host)

    def count(
        self, timesteps_per_inference: int = 1, dt: float | None = None
    ) -> OpCounts:
        """Return the operations of one inference, as expected from the rates.

        Parameters
        ----------
        timesteps_per_inference, dt
            As in `layer_energy`.
        """
        timesteps = check_count("timesteps_per_inference", timesteps_per_inference)
        dt = _default_dt() if dt is None else check_positive("dt", dt, "s")
        counts = count_expected_ops(
            self._ops, self._opened, timesteps, dt, self.has_rates
        )
        return OpCounts(
            counts.rows,
            counts.timesteps,
            counts.dt,
            counts.assumptions,
            {"model": self.model.name, "strict_compat": self.strict_compat},
        )

    def energies(
        self,
        device: DeviceLike,
        timesteps_per_inference: int = 1,
        dt: float | None = None,
    ) -> dict[str, tuple[float, float]]:
        """Return (synop energy, neuron energy) by name of the layer [J per inference].

        Layers of models within have their own names; layers without operations are
        missing.
        """
        model = resolve(device)
        self._check_has_rates(model)
        counts = self.count(timesteps_per_inference, dt)
        energies: dict[str, tuple[float, float]] = {}
        if not counts.select(model.kind):
            return energies  # nothing in the model costs anything
        names = {layer.name for layer in self._opened}
        for row in estimate_energy(counts, model).rows:
            if row.layer in names:
                synop, neuron = energies.get(row.layer, (0.0, 0.0))
                if row.operation in NEURON_OPERATIONS:
                    neuron += row.energy
                else:
                    synop += row.energy
                energies[row.layer] = (synop, neuron)
        return energies

    def _by_layer(self, get: Callable[[Layer], Any]) -> LayerMap:
        return LayerMap(self.model.name, self._layers, self._opened, get)

    def _check_has_rates(self, device: Device) -> None:
        if device.kind == "event" and not self.has_rates:
            raise InputError(
                f"device {device.name!r} is event-driven, so its energy hangs on "
                "firing rates: example_data must be given to ModelEnergy"
            )


def sum_energies(
    energies: Mapping[str, tuple[float, float]], layer: Layer
) -> tuple[float, float]:
    """Return (synop energy, neuron energy) of a line [J per inference]."""
    found = [energies.get(count.layer, (0.0, 0.0)) for count in layer.counts]
    return sum(pair[0] for pair in found), sum(pair[1] for pair in found)


def _default_dt() -> float:
    """Return the timestep that KerasSpiking is set to, where it is loaded [s]."""
    kerasspiking = sys.modules.get("keras_spiking")
    if kerasspiking is None:
        return DT
    return float(kerasspiking.default.dt)
