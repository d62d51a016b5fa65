"""Rates read off a Keras model beside what its converted network spiked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Mapping, Sequence

from ..activity.retracing import as_traced
from ..common.exceptions import InputError
from ..common.shown import Shown
from ..common.sums import sum_by_key
from ..common.tables import NOTHING, format_si, format_table, merge_orders, wrap
from ..counts import OpCounts
from ..estimates.estimate import DeviceLike
from ..pricing.energy import estimate_energy
from ..pricing.resolving import resolve_devices

if TYPE_CHECKING:
    import pandas

    from ..activity.activity import Activity
    from ..conversion.spiking_model import SpikingModel
    from ..network.topology import Topology
    from .estimator import ModelEnergy

HEADING = (
    "Activations read as Hz, beside spikes measured (simulator {simulator}): mean of "
    "{n_inferences} inferences of {timesteps} timesteps of {dt:g} ms{scale}"
)
ALL_LAYERS = (
    "{devices}: charged for all layers here; deployed, and in estimates of what was "
    "measured, the host runs {layers}"
)
ON_HOST = (
    "-: no measured synops, as the layer's input isn't spikes: the host multiplies it"
)


@dataclass(frozen=True)
class LayerComparison:
    """One layer, as assumed from activations and as measured.

    Attributes
    ----------
    layer : str
        Name.
    rates : tuple of float or None
        Firing rate of its mean neuron, (assumed, measured) [Hz]; None without neurons.
    synops : tuple of float or None
        Synops, (assumed, measured) [1/inference]; None where a network has none, as
        where analog input is multiplied on the host.
    energies : Mapping of {str: tuple of float}
        Energy by device, (assumed, measured) [J/inference].
    """

    layer: str
    rates: tuple[float | None, float | None]
    synops: tuple[float | None, float | None]
    energies: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, repr=False)
class MeasuredComparison(Shown):
    """What `ModelEnergy` assumes of each layer beside what was measured.

    Attributes
    ----------
    layers : tuple of LayerComparison
        The layers with neurons or synops.
    devices : tuple of str
        Names of the devices.
    heading : str
        What was measured, how.
    note : str
        What an estimate of the converted network leaves to the host, if anything.
    """

    layers: tuple[LayerComparison, ...]
    devices: tuple[str, ...]
    heading: str
    note: str = ""

    def total(self, device: str) -> tuple[float, float]:
        """Return the energy on a device, (assumed, measured) [J per inference]."""
        pairs = [layer.energies[device] for layer in self.layers]
        return sum(p[0] for p in pairs), sum(p[1] for p in pairs)

    def to_frame(self) -> pandas.DataFrame:
        """Return a frame with a row per layer; ``attrs["units"]`` has the units."""
        import pandas as pd

        data: dict[str, list[object]] = {"layer": [x.layer for x in self.layers]}
        units = {}
        for i, side in enumerate(("assumed", "measured")):
            data[f"firing_rate {side}"] = [x.rates[i] for x in self.layers]
            data[f"synops {side}"] = [x.synops[i] for x in self.layers]
            units.update({f"firing_rate {side}": "Hz", f"synops {side}": "1/inf"})
            for device in self.devices:
                name = f"energy {device} {side}"
                data[name] = [x.energies[device][i] for x in self.layers]
                units[name] = "J/inf"
        frame = pd.DataFrame(data)
        frame.attrs["units"] = units
        return frame

    def __str__(self) -> str:
        quantities = ["Hz", "synops/inf", *self.devices]
        header = [
            ["layer", *(name for q in quantities for name in (q, ""))],
            ["", *["assumed", "measured"] * len(quantities)],
        ]
        body = [
            [
                x.layer,
                *(NOTHING if r is None else f"{r:.3g}" for r in x.rates),
                *(NOTHING if n is None else f"{n:,.0f}" for n in x.synops),
                *(format_si(e, "J") for d in self.devices for e in x.energies[d]),
            ]
            for x in self.layers
        ]
        synops = [sum(x.synops[i] or 0 for x in self.layers) for i in (0, 1)]
        totals = ["total", "", "", *(f"{n:,.0f}" for n in synops)]
        totals += [format_si(e, "J") for d in self.devices for e in self.total(d)]
        table = format_table(header, body, [totals])
        blocks = [self.heading, table]
        if any(x.synops[0] and x.synops[1] is None for x in self.layers):
            blocks.append(ON_HOST)
        if self.note:
            blocks.append(wrap(self.note))
        return "\n\n".join(blocks)


def compare_measured(
    energy: ModelEnergy,
    snn: SpikingModel,
    activity: Activity,
    devices: Sequence[DeviceLike],
) -> MeasuredComparison:
    """Put what is assumed beside what was measured; see `ModelEnergy`."""
    if not energy.has_rates:
        raise InputError(
            "nothing was assumed: example_data must be given to ModelEnergy"
        )
    activity = as_traced(activity, snn.topology)
    counts = snn.count(activity)
    # assumed rates are of all layers, whatever a host would run
    measured = replace(counts, deployment=None)
    both = (energy.count(activity.timesteps, activity.dt), measured)
    prices = [_by_layer_and_device(found, devices) for found in both]
    names = tuple(dict.fromkeys(device for _, device in (*prices[0], *prices[1])))
    synops = [_by_layer(found, "synop") for found in both]
    rates = [
        {x.name: x.rates.leaving for x in energy.inner_layers if x.neurons},
        _measured_rates(snn.topology, activity),
    ]
    order = merge_orders(
        [
            [x.name for x in energy.inner_layers],
            *(list(dict.fromkeys(layer for layer, _ in p)) for p in prices),
        ]
    )
    layers = [
        LayerComparison(
            layer=layer,
            rates=(rates[0].get(layer), rates[1].get(layer)),
            synops=(synops[0].get(layer), synops[1].get(layer)),
            energies={
                d: (prices[0].get((layer, d), 0.0), prices[1].get((layer, d), 0.0))
                for d in names
            },
        )
        for layer in order
        if any(layer in found for found in (*rates, *synops))
    ]
    scale = snn.options.get("scale_firing_rates")
    return MeasuredComparison(
        tuple(layers),
        names,
        HEADING.format(
            simulator=activity.simulator,
            n_inferences=activity.n_inferences,
            timesteps=activity.timesteps,
            dt=1000 * activity.dt,
            scale="" if scale is None else f", scale_firing_rates={scale}",
        ),
        _left_to_the_host(counts, devices),
    )


def _left_to_the_host(counts: OpCounts, devices: Sequence[DeviceLike]) -> str:
    """Return a sentence on layers that the host runs for devices that take spikes."""
    models = resolve_devices(devices)
    names = ", ".join(model.name for model in models if model.spike_input)
    deployment = counts.deployment
    if deployment is None or not deployment.on_host or not names:
        return ""
    layers = ", ".join(sorted(deployment.on_host))
    return ALL_LAYERS.format(devices=names, layers=layers)


def _by_layer_and_device(
    counts: OpCounts, devices: Sequence[DeviceLike]
) -> dict[tuple[str, str], float]:
    return sum_by_key(
        ((row.layer, row.device), row.energy)
        for row in estimate_energy(counts, devices).rows
        if row.where == "device" and row.operation != "static"
    )


def _by_layer(counts: OpCounts, operation: str) -> dict[str, float]:
    return {
        row.layer: row.mean
        for row in counts.select("event")
        if row.operation == operation
    }


def _measured_rates(topology: Topology, activity: Activity) -> dict[str, float]:
    """Return the rate of the mean neuron of each layer [Hz]."""
    populations = topology.populations
    spikes = sum_by_key(
        (pop.layer, float(activity.firing_rates(pop.name).sum())) for pop in populations
    )
    neurons = sum_by_key((pop.layer, pop.n_neurons) for pop in populations)
    return {layer: spikes[layer] / neurons[layer] for layer in spikes}
