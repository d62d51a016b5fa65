"""Operations of a network that a host shares with a chip, as NengoLoihi builds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping, Sequence

import numpy as np

from ..network.decoded import READ_TWICE, AsBuilt, as_built, synops_by_way
from ..network.learning import learned_on_chip
from .op_counts import Deployment
from .operations import OpCount
from .tally import Tally, layers_in_order

if TYPE_CHECKING:
    from ..activity.activity import Activity, PopulationActivity
    from ..network.topology import Projection, Topology


def count_deployed(
    topology: Topology, activity: Activity, on_host: frozenset[str]
) -> Deployment:
    """Count what a chip that takes spikes alone does, and the host for it.

    Decoded values pass from neuron to neuron by decode neurons of the chip, and from
    the host by two neurons of its own for each value; see ``network.decoded``.

    Parameters
    ----------
    topology : Topology
        The network.
    activity : Activity
        Its spikes, by this topology.
    on_host : frozenset of str
        Populations that the host runs.
    """
    count = _Deployed(topology, activity, on_host)
    for pop in topology.populations:
        spikes = activity.populations[pop.name]
        for projection in topology.outgoing(pop.name):
            count.add_projection(projection, spikes)
        count.add_updates(pop.layer, pop.name, spikes)
    count.add_inputs()
    count.add_learning()
    rows = count.tally.rows()
    encoded = tuple(dict.fromkeys(count.encoded))
    return Deployment(rows, on_host, encoded, _shares(rows, count.spans))


class _Deployed:
    """Adds up the parts of a network, each where it is."""

    def __init__(self, topology: Topology, activity: Activity, on_host: frozenset[str]):
        self.topology, self.activity, self.on_host = topology, activity, on_host
        self.steps = activity.timesteps
        self.tally = Tally(activity.n_inferences, layers_in_order(topology))
        self.on_chip = {
            pop.name: pop for pop in topology.populations if pop.name not in on_host
        }
        self.encoded: list[str] = []
        self.spans: dict[str, np.ndarray] = {}

    def add_projection(
        self, projection: Projection, spikes: PopulationActivity
    ) -> None:
        """Add what spikes of a population do along one of its projections."""
        tally, layer = self.tally, projection.layer
        synops = spikes.synops_per_inference[projection.name]
        built = as_built(projection)
        on_chip, arrives = (
            projection.pre in self.on_chip,
            projection.post in self.on_chip,
        )
        if not on_chip and not arrives:
            tally.add(layer, "mac", synops, where="host")
        elif not on_chip and built is not None:  # decoded on the host, and encoded anew
            tally.add(layer, "mac", built.n_decoders * self.steps, where="host")
            self._add_encoded(layer, built)
        elif (
            not arrives and built is not None
        ):  # decoded for the host, which encodes it
            read = spikes.spikes_per_inference * READ_TWICE * built.n_values
            tally.add(layer, "synop", read)
            tally.add(layer, "mac", built.per_timestep * self.steps, where="host")
        elif built is not None:
            self._add_built(layer, built, spikes)
            span = _span(projection, built, self.steps, spikes)
            self.spans[layer] = self.spans.get(layer, np.zeros(2)) + span
        else:
            read_twice = projection.decoded and not arrives
            tally.add(layer, "synop", synops * (READ_TWICE if read_twice else 1))

    def add_updates(self, layer: str, name: str, spikes: PopulationActivity) -> None:
        """Add updates of a population's neurons, and their spikes."""
        tally, updates = self.tally, spikes.n_neurons * self.steps
        if name in self.on_chip:
            active = spikes.active_per_inference
            tally.add(layer, "neuron_update_active", active)
            tally.add(layer, "neuron_update_inactive", updates - active)
            tally.add(layer, "spike", spikes.sent_per_inference)
        else:
            tally.add(layer, "activation", updates, where="host")
            tally.add(layer, "spike", spikes.sent_per_inference, where="host")

    def add_inputs(self) -> None:
        """Add what nodes give, which is encoded for the chip."""
        topology, tally = self.topology, self.tally
        changing = topology.changing_nodes
        for projection in topology.inputs:
            layer = projection.layer
            if projection.post not in self.on_chip:
                # an input that stays needs its multiplications once
                stays = self.activity.static_input
                stays = stays and projection.source not in changing
                macs = projection.n_synapses * (1 if stays else self.steps)
                tally.add(layer, "mac", macs, where="host")
                continue
            self.encoded.append(layer)
            built = as_built(projection)
            if built is None:
                n_values = len(projection.fan_out)
                tally.add(layer, "synop", projection.n_synapses * self.steps)
                built = AsBuilt(n_values, n_post=0)
            self._add_encoded(layer, built)
        for bias in topology.biases:
            if bias.n_encoded and bias.post in self.on_chip:
                pop = self.on_chip[bias.post]
                self.encoded.append(pop.layer)
                self._add_encoded(pop.layer, AsBuilt(bias.n_encoded, pop.n_neurons))

    def add_learning(self) -> None:
        """Add what learning rules do."""
        for rule in self.topology.learning:
            if rule.place in self.on_chip:
                start = self.activity.warmup
                learned = learned_on_chip(rule.shape, start, start + self.steps)
                for operation, n in learned.items():
                    self.tally.add(rule.layer, operation, n)
            else:  # a multiplication and an addition for each number
                n = sum(self.activity.learning[rule.name].values())
                self.tally.add(rule.layer, "mac", n, where="host")

    def _add_encoded(self, layer: str, built: AsBuilt) -> None:
        """Add values that two neurons of the host for each encode as spikes."""
        n_spikes = built.n_values * self.steps
        self.tally.add(layer, "synop", built.per_timestep * self.steps)
        self.tally.add(layer, "activation", 2 * n_spikes, where="host")
        self.tally.add(layer, "spike", n_spikes, where="host")

    def _add_built(
        self, layer: str, built: AsBuilt, spikes: PopulationActivity
    ) -> None:
        """Add what spikes do by way of the chip's decode neurons."""
        tally, n_active = self.tally, built.n_values * self.steps
        tally.add(layer, "synop", spikes.spikes_per_inference * built.n_neurons)
        tally.add(layer, "synop", built.per_timestep * self.steps)
        tally.add(layer, "neuron_update_active", n_active)
        n_inactive = built.n_neurons * self.steps - n_active
        tally.add(layer, "neuron_update_inactive", n_inactive)
        tally.add(layer, "spike", n_active)


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
    shares = {}
    for row in rows:
        if row.operation == "synop" and row.layer in spans and row.total:
            low, high = (1 + spans[row.layer] / row.total).tolist()
            shares[row.layer] = (low, high)
    return shares
