"""Topology x Activity -> OpCounts: how often each operation happens, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Collection, Protocol

from ..common.assumptions import Assumption, merge_assumptions
from ..common.checks import check_instance, check_iterable, shown
from ..common.exceptions import InputError
from ..common.sums import sum_by_key
from .op_counts import OpCounts
from .operations import OpCount
from .tally import Tally, layers_in_order

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
        for devices that take spikes alone, those are that NengoLoihi has there.

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
    placed: Any = activity.settings.get("on_host") if on_host is None else on_host
    deployment = None
    if placed is not None:
        from .deploying import count_deployed  # imports Nengo

        deployment = count_deployed(topology, activity, frozenset(placed))
    if on_host is not None and deployment is not None:
        rows = deployment.rows
    else:
        tally = Tally(activity.n_inferences, layers_in_order(topology))
        _count_all(tally, topology, activity)
        rows = tally.rows()
    return OpCounts(
        rows + (layer_ops.to_counts() if layer_ops is not None else ()),
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


def _count_all(tally: Tally, topology: Topology, activity: Activity) -> None:
    """Count a network that is the device's as a whole, but for the input's weights."""
    steps = activity.timesteps
    for pop in topology.populations:
        measured = activity.populations[pop.name]
        for projection in topology.outgoing(pop.name):
            synops = measured.synops_per_inference[projection.name]
            tally.add(projection.layer, "synop", synops)
        active = measured.active_per_inference
        tally.add(pop.layer, "neuron_update_active", active)
        tally.add(pop.layer, "neuron_update_inactive", pop.n_neurons * steps - active)
        tally.add(pop.layer, "spike", measured.sent_per_inference)
        macs = topology.encoder_macs.get(pop.name, 0) * steps
        tally.add(pop.layer, "mac", macs)
    for rule in topology.learning:
        for operation, n in activity.learning[rule.name].items():
            tally.add(rule.layer, operation, n)
    changing = topology.changing_nodes
    for projection in topology.inputs:
        # an input that stays needs its multiplications once
        stays = activity.static_input and projection.source not in changing
        macs = projection.n_synapses * (1 if stays else steps)
        tally.add(projection.layer, "mac", macs, where="host")


def _omitted(topology: Topology) -> tuple[Assumption, ...]:
    if not topology.omitted:
        return ()
    text = (
        f"Only {topology.coverage:.0%} of the objects could be counted; left out: "
        f"{', '.join(topology.omitted)}. The figures are lower bounds."
    )
    return (Assumption("incomplete", text),)
