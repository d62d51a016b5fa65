"""Operations of a converted model: of both networks, and of their host."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Collection, Iterable

from ..activity.activity import Activity
from ..common.assumptions import Assumption
from ..counts import Deployment, OpCount, OpCounts, count_ops
from ..layer_ops.counting import count_layer_ops
from ..layer_ops.layer_ops import LayerOps
from ..network.objects import labels
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
    work = _host_rows(snn, activity, layer_ops)
    said = _said_of_host(layer_ops, snn.host_layers)
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


def _host_rows(
    snn: KerasNetwork, activity: Activity, layer_ops: LayerOps
) -> tuple[OpCount, ...]:
    """Return a row per layer and operation that the host does for the network."""
    names = dict(labels(snn.net))
    changing = {layer_of_label(names[node]) for node in snn.topology.changing_nodes}
    finals = {final.layer for final in snn.finals.values()}
    n = activity.n_inferences
    rows = []
    for layer in layer_ops.layers:
        times = layer.n_steps * (layer.layer in snn.host_layers)
        if layer.layer in changing and not snn.is_temporal:
            # the layers of a temporal model are counted for all timesteps already
            times *= activity.timesteps
        totals = {
            "mac": layer.connections * times,
            "activation": layer.activations * max(times, layer.layer in finals),
            "addition": layer.additions * times,
        }
        rows += [
            OpCount(layer.layer, operation, total * n, n, where="host")
            for operation, total in totals.items()
            if total
        ]
    return tuple(rows)


def _said_of_host(layer_ops: LayerOps, layers: Iterable[str]) -> tuple[Assumption, ...]:
    """Return which layers the host computes, and how much of the model they are."""
    names = list(dict.fromkeys(layers))
    if not names:
        return ()
    work = {
        row.layer: (row.connections + row.activations + row.additions) * row.n_steps
        for row in layer_ops.layers
    }
    share = sum(work.get(name, 0) for name in names) / max(1, sum(work.values()))
    text = (
        f"No spikes compute {', '.join(names)}: the host does, on decoded values, in "
        f"every timestep in which these change. They are {share:.1%} of the operations "
        "of the Keras model; the weights that follow them are the host's work too."
    )
    return (Assumption("layers-on-host", text),)
