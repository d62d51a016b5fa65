"""Decoded connections as NengoLoihi builds them, by neurons that spike for values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .topology import Projection

DECODE_NEURONS = 20
"""Neurons of the chip for each decoded value: NengoLoihi's ten pairs, one of each for
positive values and one for negative ones."""


READ_TWICE = 2
"""Weights of a decoder that the host reads, one for each sign."""


@dataclass(frozen=True)
class AsBuilt:
    """What values on their way to encoders are on the chip.

    All spikes drive the neurons of all values. Of those of a value one spikes in a
    timestep, whatever the value is within the radius: as much more often as one of a
    pair spikes for a larger value, the other does more seldom. Its spike reads the
    encoders of all neurons, zeros too.

    Attributes
    ----------
    n_values : int
        Values, none where no weight leads to one.
    n_post : int
        Neurons whose encoders they reach.
    n_decoders : int
        Weights that make the values.
    """

    n_values: int
    n_post: int
    n_decoders: int = 0

    @property
    def n_neurons(self) -> int:
        """Neurons of the chip that stand for the values, which every spike drives."""
        return DECODE_NEURONS * self.n_values

    @property
    def per_timestep(self) -> int:
        """Synops of encoders in a timestep."""
        return self.n_values * self.n_post


def as_built(projection: Projection) -> AsBuilt | None:
    """Return what a projection is on the chip, None where no encoders take part."""
    values, encoders = projection.values, projection.encoders
    if values is None or encoders is None:
        return None
    n_decoders = int(values.fan_out.sum())
    n_values = values.size_out if n_decoders else 0
    return AsBuilt(n_values, encoders.size_out, n_decoders)


def synops_by_way(projection: Projection, spikes: np.ndarray) -> tuple[float, float]:
    """Return the synops of a decoded projection as full weights, and as factors.

    Parameters
    ----------
    projection : Projection
        One with encoders.
    spikes : (n_pre,) ndarray
        Spikes of each neuron.
    """
    values, encoders = projection.values, projection.encoders
    assert values is not None and encoders is not None
    as_factors = projection.weights is values
    weights = encoders @ values if as_factors else projection.weights
    return float(spikes @ weights.fan_out), float(spikes @ values.fan_out)
