"""Connections that are still to be made, in place of those of a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

import nengo
import numpy as np
import scipy.sparse as sp
from nengo.ensemble import Neurons

from ...network.linear_maps import LinearMap


@dataclass(frozen=True, eq=False)
class Wire:
    """A connection that starts like one of the network's, and may end elsewhere.

    Attributes
    ----------
    origin : nengo.Connection
        The connection whose beginning it shares: neurons, function, solver and seed.
    post_obj : nengo.Ensemble, nengo.ensemble.Neurons or nengo.Node
        What it leads to.
    transform : nengo.transforms.Transform
        From what the function returns to what it leads to.
    synapse : nengo.synapses.Synapse or None
        The filter.
    post_slice : slice or list of int
        What part of ``post_obj`` it leads to, by default the whole.
    """

    origin: nengo.Connection
    post_obj: Any
    transform: Any
    synapse: Any
    post_slice: Any = field(default_factory=lambda: slice(None))

    def connect(self, stand_ins: Mapping[Any, Any]) -> nengo.Connection:
        """Make the connection, between what stands for its ends.

        Parameters
        ----------
        stand_ins : mapping of {nengo.Ensemble: nengo.Ensemble}
            Ensembles that others take the place of.
        """
        origin = self.origin
        pre = stand_in(origin.pre_obj, stand_ins)
        post = stand_in(self.post_obj, stand_ins)
        return nengo.Connection(
            pre if origin.pre_slice == slice(None) else pre[origin.pre_slice],
            post if self.post_slice == slice(None) else post[self.post_slice],
            function=origin.function,
            eval_points=origin.eval_points,
            scale_eval_points=origin.scale_eval_points,
            solver=origin.solver,
            learning_rule_type=origin.learning_rule_type,
            transform=self.transform,
            synapse=self.synapse,
            label=origin.label,
            add_to_container=False,
        )


def stand_in(obj: Any, stand_ins: Mapping[Any, Any]) -> Any:
    """Return what takes the place of an object, or of the neurons of an ensemble."""
    if isinstance(obj, Neurons):
        return stand_ins.get(obj.ensemble, obj.ensemble).neurons
    return stand_ins.get(obj, obj)


def from_map(linear: LinearMap, any_zeros: bool) -> Any:
    """Return a linear map as a transform of Nengo.

    Parameters
    ----------
    linear : LinearMap
        The map.
    any_zeros : bool
        Whether its zeros may be left out, which NengoLoihi can from neurons to neurons.
    """
    matrix = linear.to_sparse()
    if any_zeros and matrix.nnz < np.prod(matrix.shape):
        return nengo.Sparse(matrix.shape, init=sp.csr_matrix(matrix))
    return nengo.Dense(matrix.shape, init=matrix.toarray())
