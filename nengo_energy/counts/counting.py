"""Topology x Activity -> OpCounts: how often each operation happens, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Collection, Protocol, Sequence

import numpy as np

from ..common.assumptions import Assumption, merge_assumptions
from ..common.checks import check_instance, check_iterable, shown
from ..common.exceptions import InputError
from ..common.sums import sum_by_key
from .op_counts import Deployment, OpCounts
from .operations import OPERATIONS, OpCount

if TYPE_CHECKING:
    from ..activity.activity import Activity
    from ..network.topology import Topology


class ConventionalOps(Protocol):
    """Operations of a conventional network: a `LayerOps`."""

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What counting took for granted."""

    def to_counts(self) -> tuple[OpCount, ...]:
        """Return a row per layer and operation."""


def count_ops(
    topology: Topology,
    activity: Activity,
    *,
    layer_ops: ConventionalOps | None = None,
    on_host: Collection[str] | None = None,
) -> OpCounts:
    """Count the operations that the measured spikes cause.

    Synops are ``sum_i spikes_i * fan_out_i`` for every projection: in integers, but for
    rate neurons, whose expected spikes aren't rounded.

    Parameters
    ----------
    topology : Topology
        The network, from `nengo_energy.trace_topology`.
    activity : Activity
        Its spikes, from `nengo_energy.measure_activity`, with this or with any other
        topology of the network.
    layer_ops : LayerOps, optional
        Operations of the conventional network, from `nengo_energy.count_layer_ops`;
        dense devices such as a CPU are priced by these.
    on_host : collection of str, optional
        Populations that a host runs for a device that takes spikes alone. Analog input
        of others is encoded: two neurons of the host for each value, one of which
        spikes in every timestep, as NengoLoihi has it. By default no population is on
        the host, and the device takes the input once the host has multiplied it; but
        for devices that take spikes alone, those are on the host that were there when
        NengoLoihi ran them.

    Returns
    -------
    OpCounts
        One row per layer and operation.

    Raises
    ------
    InputError
        If the activity was measured on another network.

    Examples
    --------
    >>> topology = trace_topology(net)  # doctest: +SKIP
    >>> activity = measure_activity(net, timesteps=1000)  # doctest: +SKIP
    >>> counts = count_ops(topology, activity)  # doctest: +SKIP
    """
    from ..activity.activity import Activity
    from ..activity.retracing import as_traced
    from ..network.topology import Topology

    check_instance("topology", topology, Topology, ", of ne.trace_topology")
    check_instance("activity", activity, Activity, ", of ne.measure_activity")
    if layer_ops is not None and not hasattr(layer_ops, "to_counts"):
        raise InputError(
            f"layer_ops must come from ne.count_layer_ops; got {shown(layer_ops)}"
        )
    if on_host is not None:
        on_host = check_iterable("on_host", on_host)
    activity = as_traced(activity, topology)
    host = frozenset(on_host or ())
    tally = _Tally(activity.n_inferences, _layers_in_order(topology))
    _count_neurons(tally, topology, activity, host)
    _count_learning(tally, topology, activity, host)
    _count_inputs(tally, topology, activity, None if on_host is None else host)
    placed = activity.settings.get("on_host", ()) if on_host is None else ()
    deployment = None
    if isinstance(placed, list):
        shared = count_ops(topology, activity, on_host=placed).rows
        deployment = Deployment(shared, frozenset(placed))
    return OpCounts(
        tally.rows() + (layer_ops.to_counts() if layer_ops is not None else ()),
        timesteps=activity.timesteps,
        dt=activity.dt,
        assumptions=merge_assumptions(
            topology.assumptions,
            activity.assumptions,
            _omitted(topology),
            layer_ops.assumptions if layer_ops is not None else (),
        ),
        settings=activity.settings,
        deployment=deployment,
        saturated=tuple(
            dict.fromkeys(
                pop.layer
                for pop in topology.populations
                if pop.name in activity.saturated
            )
        ),
        synapses=sum_by_key(
            (p.layer, p.n_synapses) for p in topology.projections + topology.readouts
        ),
    )


def _count_neurons(
    tally: _Tally, topology: Topology, activity: Activity, host: Collection[str]
) -> None:
    for pop in topology.populations:
        measured = activity.populations[pop.name]
        is_on_host = pop.name in host
        for projection in topology.outgoing(pop.name):
            synops = measured.synops_per_inference[projection.name]
            if is_on_host and (
                projection.post in host or projection in topology.readouts
            ):
                tally.add(projection.layer, "mac", synops, where="host")
            else:
                tally.add(projection.layer, "synop", synops)
        if is_on_host:
            updates = pop.n_neurons * activity.timesteps
            tally.add(pop.layer, "activation", updates, where="host")
            tally.add(pop.layer, "spike", measured.sent_per_inference, where="host")
            continue
        active = measured.active_per_inference
        inactive = pop.n_neurons * activity.timesteps - active
        tally.add(pop.layer, "neuron_update_active", active)
        tally.add(pop.layer, "neuron_update_inactive", inactive)
        tally.add(pop.layer, "spike", measured.sent_per_inference)
        macs = topology.encoder_macs.get(pop.name, 0) * activity.timesteps
        tally.add(pop.layer, "mac", macs)


def _count_learning(
    tally: _Tally, topology: Topology, activity: Activity, host: Collection[str]
) -> None:
    for rule in topology.learning:
        for operation, n in activity.learning[rule.name].items():
            if rule.place in host:  # a multiplication and an addition for each number
                tally.add(rule.layer, "mac", n, where="host")
            else:
                tally.add(rule.layer, operation, n)


def _count_inputs(
    tally: _Tally, topology: Topology, activity: Activity, host: Collection[str] | None
) -> None:
    """Count what brings in the input, which is encoded for the chip where a host is."""
    changing = topology.changing_nodes
    populations = {pop.name for pop in topology.populations}
    encoded = set() if host is None else populations - set(host)
    for projection in topology.inputs:
        if projection.post in encoded:
            n_spikes = len(projection.fan_out) * activity.timesteps
            driven = projection.n_synapses * activity.timesteps
            tally.add(projection.layer, "synop", driven)
            tally.add(projection.layer, "activation", 2 * n_spikes, where="host")
            tally.add(projection.layer, "spike", n_spikes, where="host")
            continue
        # an input that stays needs its multiplications once
        stays = activity.static_input and projection.source not in changing
        macs = projection.n_synapses * (1 if stays else activity.timesteps)
        tally.add(projection.layer, "mac", macs, where="host")


class _Tally:
    """Adds up counts by layer and operation, inference by inference."""

    def __init__(self, n_inferences: int, layers: Sequence[str]):
        self.n_inferences = n_inferences
        self.layers = layers
        self.series: dict[tuple[str, str, str], np.ndarray] = {}

    def add(
        self,
        layer: str,
        operation: str,
        counts: np.ndarray | int,
        where: str = "device",
    ) -> None:
        """Add counts of each inference; a number counts for every inference."""
        key = (layer, operation, where)
        # integers stay integers, and what has expected values in it becomes float
        none = np.zeros(self.n_inferences, np.int64)
        self.series[key] = self.series.get(key, none) + counts

    def rows(self) -> tuple[OpCount, ...]:
        """Return the rows in the order of the network, layer by layer."""
        order = list(OPERATIONS)
        keys = sorted(
            (key for key, counts in self.series.items() if _is_kept(key[1], counts)),
            key=lambda key: (self.layers.index(key[0]), order.index(key[1]), key[2]),
        )
        return tuple(
            OpCount(
                layer,
                operation,
                self.series[layer, operation, where].sum().item(),
                self.n_inferences,
                std=_std(self.series[layer, operation, where]),
                where=where,
            )
            for layer, operation, where in keys
        )


def _layers_in_order(topology: Topology) -> list[str]:
    """Return layers as signals pass them: weights before the neurons they drive."""
    layers = []
    for pop in topology.populations:
        arriving = topology.inputs + topology.projections
        layers += [p.layer for p in arriving if p.post == pop.name] + [pop.layer]
    layers += [p.layer for p in topology.inputs + topology.readouts]
    layers += [rule.layer for rule in topology.learning]
    return list(dict.fromkeys(layers))


def _is_kept(operation: str, counts: np.ndarray) -> bool:
    """Tell whether a row says something: encoders that aren't there don't."""
    return operation != "mac" or bool(np.any(counts))


def _std(counts: np.ndarray) -> float:
    return float(np.std(counts, ddof=1)) if len(counts) > 1 else 0.0


def _omitted(topology: Topology) -> tuple[Assumption, ...]:
    if not topology.omitted:
        return ()
    text = (
        f"Only {topology.coverage:.0%} of the objects could be counted; left out: "
        f"{', '.join(topology.omitted)}. The figures are lower bounds."
    )
    return (Assumption("incomplete", text),)
