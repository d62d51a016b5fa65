"""Topology x Activity -> OpCounts: how often each operation happens, layer by layer.

OpCounts is the waist of the package: nothing before it knows joules, and nothing after
it knows Keras, Nengo or spikes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Collection, Mapping, Protocol, Sequence

import numpy as np

from .common.assumptions import Assumption, merge_assumptions
from .common.checks import check_instance, check_iterable, shown
from .common.exceptions import InputError
from .common.shown import Shown
from .common.tables import WIDTH, format_table, plural
from .common.vital_signs import LEAST_SPIKES
from .network.decoded import READ_TWICE, AsBuilt, as_built, synops_by_way
from .network.learning import learned_on_chip

if TYPE_CHECKING:
    import pandas

    from .activity.activity import Activity, PopulationActivity
    from .network.topology import Projection, Topology

OPERATIONS: Mapping[str, str] = {
    "synop": "one synapse driven by one spike",
    "neuron_update_active": "one neuron advanced one timestep in which it spikes",
    "neuron_update_inactive": "one neuron advanced one timestep in which it is silent",
    "spike": "one spike that a neuron sends to at least one synapse",
    "message": "one spike on its way to one core",
    "hop_east_west": "one message passed to the next tile east or west",
    "hop_north_south": "one message passed to the next tile north or south",
    "learning_update": "one weight, decoder or encoder that a learning rule changes in "
    "one timestep: read, added to, written",
    "learning_read": "one weight or encoder that a rule reads to tell how to change it",
    "learning_state": "one value of a rule's own, such as a neuron's filtered spikes, "
    "advanced one timestep",
    "mac": "one multiply-accumulate of the conventional network, or of the host",
    "activation": "one output of a nonlinearity of the conventional network, or of a "
    "neuron on the host in one timestep",
    "addition": "one addition without a weight: pooling, merging",
    "kernel": "one kernel that a processor starts, once per batch",
    "weight_byte": "one byte of a weight that is read, at 32 bits each: once per "
    "batch, or by each synop",
    "activation_byte": "one byte of a layer's input or output, at 32 bits each",
    "state_byte": "one byte of a neuron's state, read or written, at 32 bits each",
}
"""The operations that are counted, each with its meaning."""

FORMS: Mapping[str, tuple[str, ...]] = {
    "synop": ("dense", "sparse", "convolution"),
    "mac": ("dense", "convolution", "depthwise"),
}
"""What an operation can be further: how the weights of a synop are stored, and what
kind of layer a multiply-accumulate is of."""

BATCH_NORM = "batch_norm"
"""Form of what a batch normalization takes, unless it is folded into other weights."""


@dataclass(frozen=True)
class OpCount:
    """How often one operation happens in one layer.

    Attributes
    ----------
    layer : str
        Layer of the Keras model, or object of the Nengo network.
    operation : str
        A key of ``OPERATIONS``.
    total : int or float
        Count over all inferences: exact, an integer, where it was counted; an expected
        value where it follows from rates.
    n_inferences : int
        Number of inferences that ``total`` covers, at least 1.
    std : float
        Standard deviation of the count over inferences [per inference].
    execution : str
        ``"event"`` for the spiking network, ``"dense"`` for the conventional one.
    where : str
        ``"device"``, or ``"host"`` for work that the host does for the device.
    form : str
        One of ``FORMS`` of the operation, empty where it isn't known.
    """

    layer: str
    operation: str
    total: float
    n_inferences: int
    std: float = 0.0
    execution: str = "event"
    where: str = "device"
    form: str = ""

    @property
    def mean(self) -> float:
        """Mean count per inference."""
        return self.total / self.n_inferences


@dataclass(frozen=True)
class CoreUse:
    """What one core of a chip does in a mean timestep.

    Attributes
    ----------
    chip : int
        Number of the chip that it is on.
    operations : Mapping of {str: float}
        Operations per timestep; ``message_in`` are messages that arrive.
    """

    chip: int
    operations: Mapping[str, float]


@dataclass(frozen=True)
class ChipUse:
    """The cores that a network takes, which time and leakage hang on.

    Attributes
    ----------
    cores : tuple of CoreUse
        The cores in use.
    longest_way : tuple of int
        Hops of the message that goes farthest, east or west and north or south.
    pace : float, optional
        Length that each timestep is held to, if no core takes longer [s]; by default
        timesteps follow each other as fast as the cores can.
    n_tiles : int, optional
        Tiles that hold a core in use, where the placement says.
    by_timestep : Mapping of {str: (n_steps, n_cores) ndarray}
        Operations of each core in each of some timesteps, where these were followed one
        by one; empty where only the mean is known.
    """

    cores: tuple[CoreUse, ...]
    longest_way: tuple[int, int] = (0, 0)
    pace: float | None = None
    n_tiles: int | None = None
    by_timestep: Mapping[str, np.ndarray] = field(default_factory=dict, compare=False)

    @property
    def n_cores(self) -> int:
        """Cores in use."""
        return len(self.cores)

    @property
    def n_chips(self) -> int:
        """Chips in use."""
        return len({core.chip for core in self.cores})


@dataclass(frozen=True)
class Deployment:
    """A spiking network shared by a host and a device that takes spikes alone.

    Attributes
    ----------
    rows : tuple of OpCount
        Counts of the spiking network in both places.
    on_host : frozenset of str
        Populations that the host runs; it sends their spikes.
    encoded : tuple of str
        Layers on the device that analog input feeds, which the host encodes as spikes.
    synop_range : Mapping of {str: (float, float)}
        Least and most synops of a layer, as shares of those in ``rows``, over the ways
        of counting decoded connections: as built, as full weights, as factors.
    """

    rows: tuple[OpCount, ...]
    on_host: frozenset[str]
    encoded: tuple[str, ...] = ()
    synop_range: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class OpCounts(Shown):
    """Counted operations of one network on one set of inputs.

    Attributes
    ----------
    rows : tuple of OpCount
        One row per layer and operation, in the order of the network.
    timesteps : int or None
        Timesteps per inference; None where only a conventional network was counted.
    dt : float or None
        Length of a timestep [s].
    assumptions : tuple of Assumption
        What the stages before took for granted.
    settings : Mapping
        What is needed to reproduce the counts: simulator, neuron types, versions.
    chip_use : ChipUse, optional
        Where the network lies on a chip's cores, if that is known.
    deployment : Deployment, optional
        The spiking network on devices that take spikes alone, if that is known; by
        default they are charged by ``rows`` as all others.
    saturated : tuple of str
        Layers of which many neurons fire as fast as they can.
    synapses : Mapping of {str: int}
        Synapses of the spiking network by layer, where its topology is known.
    """

    rows: tuple[OpCount, ...]
    timesteps: int | None = None
    dt: float | None = None
    assumptions: tuple[Assumption, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    chip_use: ChipUse | None = None
    deployment: Deployment | None = None
    saturated: tuple[str, ...] = ()
    synapses: Mapping[str, int] = field(default_factory=dict)

    @property
    def silent(self) -> tuple[str, ...]:
        """Layers of neurons that spiked less than once in ten inferences."""
        means: dict[str, float] = {}
        for row in self.select("event"):
            if row.operation == "neuron_update_active":
                means[row.layer] = means.get(row.layer, 0.0) + row.mean
        return tuple(layer for layer, mean in means.items() if mean < LEAST_SPIKES)

    def deployed(self) -> OpCounts:
        """Return the counts for a device that takes spikes alone."""
        if self.deployment is None:
            return self
        return replace(self, rows=self.deployment.rows + self._executed("dense"))

    def select(self, execution: str, where: str = "device") -> tuple[OpCount, ...]:
        """Return the rows of one network (``"event"``/``"dense"``) in one place."""
        return tuple(
            row
            for row in self.rows
            if row.execution == execution and row.where == where
        )

    def _executed(self, execution: str) -> tuple[OpCount, ...]:
        return tuple(row for row in self.rows if row.execution == execution)

    def total(self, operation: str) -> float:
        """Return the count of an operation over all layers and inferences."""
        return sum(row.total for row in self.rows if row.operation == operation)

    def to_frame(self) -> pandas.DataFrame:
        """Return a row per layer and operation.

        Returns
        -------
        pandas.DataFrame
            The fields of `OpCount`; ``mean`` is the count per inference.
        """
        import pandas as pd

        columns = [f.name for f in fields(OpCount)]
        frame = pd.DataFrame(
            [[getattr(row, name) for name in columns] for row in self.rows],
            columns=columns,
        )
        frame["mean"] = [row.mean for row in self.rows]
        return frame

    def __str__(self) -> str:
        n = max((row.n_inferences for row in self.rows), default=0)
        body = [
            [row.layer, row.operation, f"{row.mean:,.10g}", row.where, row.execution]
            for row in self.rows
        ]
        header = ["layer", "operation", "per inference", "where", "network"]
        title = f"{plural(len(body), 'count')} of {plural(n, 'inference')}"
        return f"{title}\n\n{format_table([header], body, [], WIDTH)}"


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
    """
    from .activity.activity import Activity
    from .activity.retracing import as_traced
    from .network.topology import Topology

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
    steps = activity.timesteps
    spans: dict[str, np.ndarray] = {}
    encoded: list[str] = []
    for pop in topology.populations:
        measured = activity.populations[pop.name]
        is_on_host = pop.name in host
        for projection in topology.outgoing(pop.name):
            synops = measured.synops_per_inference[projection.name]
            built = None if on_host is None else as_built(projection)
            leaves = projection.post in host or projection in topology.readouts
            if built is not None and is_on_host is not leaves:
                # the host has its decoders or its encoders, in every timestep
                macs = built.n_decoders if is_on_host else built.per_timestep
                tally.add(projection.layer, "mac", macs * steps, where="host")
            if built is not None and is_on_host and not leaves:
                tally.add_encoded(projection.layer, built, steps)
            elif built is not None and not is_on_host and not leaves:
                tally.add_built(projection.layer, built, steps, measured)
                span = _span(projection, built, steps, measured)
                spans[projection.layer] = spans.get(projection.layer, 0) + span
            elif built is not None and not is_on_host:
                per_spike = READ_TWICE * built.n_values
                read = measured.spikes_per_inference * per_spike
                tally.add(projection.layer, "synop", read)
            elif is_on_host and leaves:
                tally.add(projection.layer, "mac", synops, where="host")
            elif on_host is not None and projection.decoded and leaves:
                tally.add(projection.layer, "synop", READ_TWICE * synops)
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
    for rule in topology.learning:
        operations = activity.learning[rule.name]
        if on_host is not None and rule.place not in host:
            start = activity.warmup
            operations = learned_on_chip(rule.shape, start, start + steps)
        for operation, n in operations.items():
            if rule.place in host:  # a multiplication and an addition for each number
                tally.add(rule.layer, "mac", n, where="host")
            else:
                tally.add(rule.layer, operation, n)
    # an input that stays needs its multiplications once
    changing = topology.changing_nodes
    on_chip = {pop.name for pop in topology.populations} - host
    for projection in topology.inputs:
        if on_host is not None and projection.post in on_chip:
            n_spikes = len(projection.fan_out) * activity.timesteps
            driven = projection.n_synapses * activity.timesteps
            encoded.append(projection.layer)
            built = as_built(projection)
            if built is not None:
                tally.add_encoded(projection.layer, built, steps)
                continue
            tally.add(projection.layer, "synop", driven)
            tally.add(projection.layer, "activation", 2 * n_spikes, where="host")
            tally.add(projection.layer, "spike", n_spikes, where="host")
            continue
        stays = activity.static_input and projection.source not in changing
        macs = projection.n_synapses * (1 if stays else activity.timesteps)
        tally.add(projection.layer, "mac", macs, where="host")
    if on_host is not None:
        for bias in topology.biases:
            if bias.n_encoded and bias.post in on_chip:
                layer = next(
                    p.layer for p in topology.populations if p.name == bias.post
                )
                encoded.append(layer)
                tally.add_encoded(
                    layer, AsBuilt(bias.n_encoded, len(bias.values)), steps
                )
    rows, deployment = tally.rows(), None
    if on_host is not None:
        deployment = Deployment(
            rows, host, tuple(dict.fromkeys(encoded)), _shares(rows, spans)
        )
    elif isinstance(placed := activity.settings.get("on_host"), list):
        deployment = count_ops(topology, activity, on_host=placed).deployment
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
        synapses=_synapses(topology),
    )


def merge_counts(parts: Sequence[OpCounts]) -> OpCounts:
    """Merge the counts of one network on several sets of inputs, as if run on all.

    Totals are sums, exact where they are of integers. Standard deviations are pooled
    from those of the parts.

    Parameters
    ----------
    parts : sequence of OpCounts
        At least one, of the same network, timesteps and dt.

    Raises
    ------
    InputError
        If there are none, or timesteps or dt differ.

    References
    ----------
    T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample
    variance: analysis and recommendations", The American Statistician 37 (1983)
    242-247, doi:10.1080/00031305.1983.10483115.
    """
    if len({(part.timesteps, part.dt) for part in parts}) != 1:
        found = ", ".join(f"{part.timesteps} x {part.dt} s" for part in parts) or "none"
        raise InputError(
            f"counts to merge must have the same timesteps and dt; got {found}"
        )
    # a layer without an operation in one part has it zero times there
    numbers = [
        {execution: _n_inferences(part, execution) for execution in ("event", "dense")}
        for part in parts
    ]
    known = [{_row_key(row): row for row in part.rows} for part in parts]
    rows = []
    for key in dict.fromkeys(key for rows_of in known for key in rows_of):
        some = next(rows_of[key] for rows_of in known if key in rows_of)
        found_rows = [
            rows_of.get(key)
            or replace(some, total=0, n_inferences=n[some.execution], std=0.0)
            for rows_of, n in zip(known, numbers)
        ]
        total = sum(row.total for row in found_rows)
        n_all = sum(row.n_inferences for row in found_rows)
        std = _pooled_std(found_rows, total / n_all)
        rows.append(replace(some, total=total, n_inferences=n_all, std=std))
    first = parts[0]
    deployment = first.deployment
    if deployment is not None:
        shared = [replace(part.deployed(), deployment=None) for part in parts]
        rows_of_both = merge_counts(shared)._executed("event")
        deployment = replace(deployment, rows=rows_of_both)
    settings = dict(first.settings)
    settings["n_inferences"] = sum(n["event"] for n in numbers)
    return OpCounts(
        tuple(rows),
        timesteps=first.timesteps,
        dt=first.dt,
        assumptions=merge_assumptions(*(part.assumptions for part in parts)),
        settings=settings,
        deployment=deployment,
        saturated=tuple(dict.fromkeys(name for p in parts for name in p.saturated)),
        synapses=first.synapses,
    )


def _n_inferences(counts: OpCounts, execution: str) -> int:
    return max(
        (r.n_inferences for r in counts.rows if r.execution == execution), default=0
    )


def _row_key(row: OpCount) -> tuple[str, str, str, str, str]:
    return row.layer, row.operation, row.execution, row.where, row.form


def _pooled_std(rows: Sequence[OpCount], mean: float) -> float:
    n = sum(row.n_inferences for row in rows)
    squares = sum(
        (row.n_inferences - 1) * row.std**2 + row.n_inferences * (row.mean - mean) ** 2
        for row in rows
        if row.n_inferences
    )
    return math.sqrt(squares / (n - 1)) if n > 1 else 0.0


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

    def add_encoded(self, layer: str, built: AsBuilt, steps: int) -> None:
        """Add values that two neurons of the host for each encode as spikes."""
        n_spikes = built.n_values * steps
        self.add(layer, "synop", built.per_timestep * steps)
        self.add(layer, "activation", 2 * n_spikes, where="host")
        self.add(layer, "spike", n_spikes, where="host")

    def add_built(
        self, layer: str, built: AsBuilt, steps: int, spikes: PopulationActivity
    ) -> None:
        """Add what spikes do by way of the chip's decode neurons."""
        self.add(layer, "synop", spikes.spikes_per_inference * built.n_neurons)
        self.add(layer, "synop", built.per_timestep * steps)
        n_active = built.n_values * steps
        self.add(layer, "neuron_update_active", n_active)
        self.add(layer, "neuron_update_inactive", built.n_neurons * steps - n_active)
        self.add(layer, "spike", n_active)

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


def _span(
    projection: Projection, built: AsBuilt, steps: int, spikes: PopulationActivity
) -> np.ndarray:
    """Return how many synops fewer and more other ways of counting give, (2,)."""
    n_inferences = len(spikes.spikes_per_inference)
    counted = spikes.spikes.sum() * built.n_neurons
    counted += built.per_timestep * steps * n_inferences
    others = [way - counted for way in synops_by_way(projection, spikes.spikes)]
    return np.array([min(0, *others), max(0, *others)])


def _shares(
    rows: Sequence[OpCount], spans: Mapping[str, np.ndarray]
) -> dict[str, tuple[float, float]]:
    """Return the least and most synops of layers as shares of those counted."""
    return {
        row.layer: tuple(1 + spans[row.layer] / row.total)
        for row in rows
        if row.operation == "synop" and row.layer in spans and row.total
    }


def _layers_in_order(topology: Topology) -> list[str]:
    """Return layers as signals pass them: weights before the neurons they drive."""
    layers = []
    for pop in topology.populations:
        arriving = topology.inputs + topology.projections
        layers += [p.layer for p in arriving if p.post == pop.name] + [pop.layer]
    layers += [p.layer for p in topology.inputs + topology.readouts]
    layers += [rule.layer for rule in topology.learning]
    return list(dict.fromkeys(layers))


def _synapses(topology: Topology) -> dict[str, int]:
    """Return the synapses that neurons drive, by layer."""
    found: dict[str, int] = {}
    for p in topology.projections + topology.readouts:
        found[p.layer] = found.get(p.layer, 0) + p.n_synapses
    return found


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
