"""Prepare a converted network for the chip, so that NengoLoihi builds it unedited.

Input nodes, output nodes and probes are the network's own objects, and so are its
ensembles, unless the chip lacks their neurons. What is new are the connections:
passthrough nodes (pooling, concatenation, padding) are merged into the weights that
follow, so that activity stays on the chip.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterable, Mapping, Sequence

import nengo

from ..activity.on_loihi.changes import Change
from ..common.checks import check_positive
from ..common.defaults import DT
from ..common.exceptions import InputError
from ..network.topology import Population, Projection, Topology, require_supported
from .assembly import Assembly
from .blocks import BlockPlan, plan_blocks
from .checks import check_resolution, check_weights
from .layout import lay_out, link
from .neurons import for_chip, with_bias
from .prepared import LoihiNetwork
from .wiring import Wiring


def build_loihi_network(
    network: nengo.Network,
    topology: Topology,
    outputs: Sequence[nengo.Probe],
    *,
    on_host: Iterable[str] | None = None,
    presented: Mapping[nengo.Node, nengo.Process] | None = None,
    dt: float = DT,
) -> LoihiNetwork:
    """Build a network for `nengo_loihi.Simulator` from the parts of another.

    Parameters
    ----------
    network : nengo.Network
        The converted network, with biases folded; it isn't changed.
    topology : Topology
        What was traced of it.
    outputs : sequence of nengo.Probe
        Probes of the network to keep.
    on_host : iterable of str, optional
        Populations that run on the host. By default those that analog inputs feed: they
        encode the input as spikes. If that would leave nothing for the chip, or if this
        is empty, all go on the chip, and NengoLoihi encodes the input.
    presented : mapping of {nengo.Node: nengo.Process}, optional
        Input nodes that shall put out what a process does, such as
        ``nengo.processes.PresentInput``.
    dt : float
        Length of a timestep that the network is to run with [s].

    Returns
    -------
    LoihiNetwork
        The network, what was changed and why, and how it lies on the cores.

    Raises
    ------
    UnsupportedError
        If a neuron type isn't on the chip, or a part can't be expressed or doesn't fit.
    InputError
        If a layer's weights are all zero, or a name in ``on_host`` isn't known.
    """
    require_supported(topology, "deployment to Loihi")
    dt = check_positive("dt", dt, "s")
    # what a probe decodes is no connection of the network, but the probe's own
    to_nodes = (p for p in topology.readouts if isinstance(p.target, nengo.Node))
    topology = replace(topology, readouts=tuple(to_nodes))
    host = host_populations(topology, on_host)
    changes: list[Change] = []
    for projection in topology.inputs + topology.projections + topology.readouts:
        check_weights(projection)
    topology = _with_chip_neurons(topology, host, changes)
    chip = [p for p in topology.populations if p.name not in host]
    wirings, shapes = lay_out(topology, host, chip)
    plans = plan_blocks(shapes, [link(w, host) for w in wirings.values()])

    found = check_resolution(topology, wirings, plans, dt)
    assembly = Assembly(network, topology, host, presented or {})
    for projection in topology.inputs + topology.projections + topology.readouts:
        assembly.connect(projection, wirings.get(projection.name))
    assembly.add_output_biases()
    assembly.place(plans)
    assembly.add_probes(outputs)
    changes += _merged(topology, wirings)
    changes += _placed(topology, host, plans)
    return LoihiNetwork(
        network=assembly.prepared,
        topology=topology,
        changes=tuple(changes),
        plans=plans,
        on_host=frozenset(host),
        dt=dt,
        checks=tuple(found),
    )


def host_populations(topology: Topology, on_host: Iterable[str] | None) -> set[str]:
    """Return the names of the populations that run on the host.

    Parameters
    ----------
    topology : Topology
        The network.
    on_host : iterable of str, optional
        See `build_loihi_network`.

    Raises
    ------
    InputError
        If a name isn't known, or the chip would drive what is on the host, or have
        nothing.
    """
    names = {p.name for p in topology.populations}
    if on_host is None:
        encoding = {projection.post for projection in topology.inputs} & names
        while fed := {p.post for p in topology.projections if p.pre not in encoding}:
            if not fed & encoding:
                break
            encoding -= fed  # what the chip drives is on the chip
        return encoding if len(encoding) < len(names) else set()
    if isinstance(on_host, str):
        raise InputError(f"on_host must be a list of names; got {on_host!r}")
    chosen = set(on_host)
    unknown = sorted(map(str, chosen - names))
    if unknown:
        raise InputError(
            f"on_host holds {', '.join(unknown)}; known: {', '.join(sorted(names))}"
        )
    if chosen == names:
        raise InputError("on_host holds every layer; leave at least one for the chip")
    for projection in topology.projections:
        if projection.post in chosen and projection.pre not in chosen:
            raise InputError(
                f"layer {projection.post!r} can't run on the host while the chip has "
                f"{projection.pre!r}, which drives it: put that on the host too"
            )
    return chosen


def _with_chip_neurons(
    topology: Topology, host: set[str], changes: list[Change]
) -> Topology:
    """Return the topology with neurons that the chip has, and all of their biases.

    What constant nodes still give to neurons, because outputs get it as well, is copied
    into the neurons' own biases.
    """
    swapped: dict[Any, Population] = {}
    populations = []
    for pop in topology.populations:
        biases = [b.values for b in topology.biases if b.target is pop.ensemble]
        new, reason = for_chip(with_bias(pop, biases), pop.name in host)
        if reason is not None:
            what = f"{pop.neuron_type} became {new.neuron_type}"
            changes.append(Change("neurons", pop.name, what, reason))
        swapped[pop.ensemble] = new
        populations.append(new)

    def moved(projection: Projection) -> Projection:
        ends = [swapped.get(end) for end in (projection.source, projection.target)]
        source = projection.source if ends[0] is None else ends[0].ensemble
        target = projection.target if ends[1] is None else ends[1].ensemble
        if source is projection.source and target is projection.target:
            return projection
        return replace(projection, source=source, target=target)

    return replace(
        topology,
        populations=tuple(populations),
        biases=tuple(b for b in topology.biases if b.target not in swapped),
        projections=tuple(map(moved, topology.projections)),
        readouts=tuple(map(moved, topology.readouts)),
        inputs=tuple(map(moved, topology.inputs)),
    )


def _merged(topology: Topology, wirings: Mapping[str, Wiring]) -> list[Change]:
    """Say which projections were merged from several connections, and into what."""
    return [
        Change(
            "merged",
            projection.layer,
            f"all between {projection.pre} and {projection.post} became "
            + wirings[projection.name].form,
            "activity stays on the chip",
        )
        for projection in topology.projections
        if projection.connection is None and projection.name in wirings
    ]


def _placed(
    topology: Topology, host: set[str], plans: Mapping[str, BlockPlan]
) -> list[Change]:
    changes = [
        Change("host", name, "runs on the host", "encodes the input as spikes")
        for name in (p.name for p in topology.populations)
        if name in host
    ]
    for plan in plans.values():
        if plan.n_cores > 1:
            what = f"split into {plan.n_cores} blocks of {plan.partition.block}"
            changes.append(Change("blocks", plan.layer, what, "a core holds no more"))
    return changes
