"""What the host computes for a converted model, by the counts of its layers."""

from __future__ import annotations

from typing import Iterable, Mapping

from ..common.assumptions import Assumption
from ..counts import OpCount
from ..layer_ops.layer_ops import LayerOps


def host_counts(
    layer_ops: LayerOps,
    repeats: Mapping[str, int],
    finals: Iterable[str],
    n_inferences: int,
) -> tuple[OpCount, ...]:
    """Return a row per layer and operation that the host does for the network.

    Parameters
    ----------
    layer_ops : LayerOps
        Of the whole model.
    repeats : mapping of {str: int}
        How often an inference computes each layer that the host has as a whole.
    finals : iterable of str
        Layers whose activation alone the host computes, once an inference.
    n_inferences : int
        Inferences that were measured.
    """
    finals = frozenset(finals)
    rows = []
    for layer in layer_ops.layers:
        times = repeats.get(layer.layer, 0) * layer.n_steps
        totals = {
            "mac": layer.connections * times,
            "activation": layer.activations * max(times, layer.layer in finals),
            "addition": layer.additions * times,
        }
        rows += [
            OpCount(
                layer.layer, operation, total * n_inferences, n_inferences, where="host"
            )
            for operation, total in totals.items()
            if total
        ]
    return tuple(rows)


def said_of_host(layer_ops: LayerOps, layers: Iterable[str]) -> tuple[Assumption, ...]:
    """Return which layers the host computes, and how much of the model they are.

    Parameters
    ----------
    layer_ops : LayerOps
        Of the whole model.
    layers : iterable of str
        Layers that the host has as a whole.
    """
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
