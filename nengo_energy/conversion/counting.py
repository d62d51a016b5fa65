"""Operations of a converted model: of both networks, and of their host."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Collection

from ..activity.activity import Activity
from ..common.assumptions import Assumption
from ..counts import Deployment, OpCount, OpCounts, count_ops
from ..layer_ops.counting import count_layer_ops
from ..layer_ops.layer_ops import LayerOps
from ..network.objects import labels
from .host_work import host_counts, said_of_host
from .keras_map import layer_of_label

if TYPE_CHECKING:
    from .keras_network import KerasNetwork

ONE_PASS_OF_CHANGING_INPUT = Assumption(
    "one-pass-of-changing-input",
    "The input changed from timestep to timestep, and the model has no time axis: the "
    "conventional network is counted for one pass per inference, not for one a "
    "timestep.",
)


def count_model(
    snn: KerasNetwork,
    activity: Activity,
    on_host: Collection[str],
    encoded: Collection[str],
) -> OpCounts:
    """Count the operations of the spiking and of the conventional network.

    Parameters
    ----------
    snn : KerasNetwork
        The converted model.
    activity : Activity
        What was measured of it.
    on_host, encoded : collection of str
        Populations on the host, and layers whose input the host encodes as spikes,
        where it is deployed on a device that takes spikes alone.
    """
    layer_ops, assumptions = snn.layer_ops, snn.assumptions
    if snn.is_temporal:
        length = 1 if activity.static_input else activity.timesteps
        layer_ops = count_layer_ops(snn.clone.model, sequence_length=length)
    elif not activity.static_input:
        assumptions += (ONE_PASS_OF_CHANGING_INPUT,)
    counts = count_ops(snn.topology, activity, layer_ops=layer_ops)
    placed = count_ops(snn.topology, activity, on_host=on_host)
    work = _host_counts(snn, activity, layer_ops)
    said = said_of_host(layer_ops, snn.host_layers)
    return replace(
        counts,
        rows=counts.rows + work,
        assumptions=assumptions + said + counts.assumptions,
        settings={
            "model": snn.model.name,
            **snn.options,
            **counts.settings,
            "on_host": sorted(on_host),
        },
        deployment=Deployment(placed.rows + work, frozenset(on_host), tuple(encoded)),
    )


def _host_counts(
    snn: KerasNetwork, activity: Activity, layer_ops: LayerOps
) -> tuple[OpCount, ...]:
    """Return the operations of layers and activations that the host computes."""
    names = dict(labels(snn.net))
    changing = {layer_of_label(names[node]) for node in snn.topology.changing_nodes}
    repeats = {
        # the layers of a temporal model are counted for all timesteps already
        name: 1 if snn.is_temporal or name not in changing else activity.timesteps
        for name in snn.host_layers
    }
    finals = [final.layer for final in snn.finals.values()]
    return host_counts(layer_ops, repeats, finals, activity.n_inferences)
