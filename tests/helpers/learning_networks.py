"""Networks that learn, by each rule and on each kind of target."""

from __future__ import annotations

from typing import Any, Callable

import nengo
import numpy as np

FULL = nengo.solvers.LstsqL2(weights=True)

Learner = Callable[[nengo.Node, nengo.Ensemble, nengo.Ensemble], Any]
"""Adds what learns between two ensembles to a network."""


def zero(x: Any) -> list[float]:
    """Begin with decoders that are all zero."""
    return [0.0, 0.0]


def pes_to_node(stim: nengo.Node, pre: nengo.Ensemble, post: nengo.Ensemble) -> None:
    """Decoders learn for a node, from an error that nodes compute."""
    out, error = nengo.Node(size_in=2, label="out"), nengo.Node(size_in=2)
    rule = nengo.PES(1e-3)
    conn = nengo.Connection(pre, out, function=zero, learning_rule_type=rule)
    nengo.Connection(out, error, synapse=None)
    nengo.Connection(stim, error, transform=-1)
    nengo.Connection(error, conn.learning_rule)
    nengo.Connection(pre, post)
    nengo.Probe(out)


def pes_to_ensemble(
    stim: nengo.Node, pre: nengo.Ensemble, post: nengo.Ensemble
) -> None:
    """Decoders learn for an ensemble, from the error that another holds."""
    rule = nengo.PES(1e-3)
    conn = nengo.Connection(pre, post, function=zero, learning_rule_type=rule)
    error = nengo.Ensemble(25, 2, label="error")
    nengo.Connection(post, error)
    nengo.Connection(stim, error, transform=-1)
    nengo.Connection(error, conn.learning_rule)


def pes_of_weights(stim: nengo.Node, pre: nengo.Ensemble, post: nengo.Ensemble) -> None:
    """Full weights learn."""
    rule = nengo.PES(1e-3)
    conn = nengo.Connection(pre, post, solver=FULL, learning_rule_type=rule)
    nengo.Connection(stim, conn.learning_rule, transform=-1)


def pes_to_neurons(stim: nengo.Node, pre: nengo.Ensemble, post: nengo.Ensemble) -> None:
    """Weights between some neurons learn."""
    conn = nengo.Connection(
        pre.neurons[:10],
        post.neurons,
        transform=np.zeros((20, 10)),
        learning_rule_type=nengo.PES(1e-3, pre_synapse=nengo.Alpha(0.01)),
    )
    nengo.Connection(stim, conn.learning_rule, transform=-1)


def pes_of_slice(stim: nengo.Node, pre: nengo.Ensemble, post: nengo.Ensemble) -> None:
    """One of two values is learnt, without a filter, from two errors."""
    rule = nengo.PES(1e-3, pre_synapse=None)
    conn = nengo.Connection(pre[0], post[1], learning_rule_type=[rule])
    nengo.Connection(stim[0], conn.learning_rule[0])
    nengo.Connection(post[1], conn.learning_rule[0])


def bcm(stim: nengo.Node, pre: nengo.Ensemble, post: nengo.Ensemble) -> None:
    """Full weights learn without a teacher."""
    rule = nengo.BCM(1e-9)
    nengo.Connection(pre, post, solver=FULL, learning_rule_type=rule)


def oja(stim: nengo.Node, pre: nengo.Ensemble, post: nengo.Ensemble) -> None:
    """Weights between neurons learn without a teacher."""
    weights = np.random.RandomState(1).uniform(0, 1e-3, size=(20, 30))
    rule = nengo.Oja(1e-6, pre_synapse=nengo.Alpha(0.01))
    nengo.Connection(
        pre.neurons, post.neurons, transform=weights, learning_rule_type=rule
    )


def bcm_and_oja(stim: nengo.Node, pre: nengo.Ensemble, post: nengo.Ensemble) -> None:
    """Two rules on one connection."""
    rules = {"bcm": nengo.BCM(1e-9, post_synapse=None), "oja": nengo.Oja(1e-6)}
    nengo.Connection(pre, post, solver=FULL, learning_rule_type=rules)


def voja(stim: nengo.Node, pre: nengo.Ensemble, post: nengo.Ensemble) -> None:
    """Encoders learn, as far as they are told to."""
    conn = nengo.Connection(pre, post, learning_rule_type=nengo.Voja(1e-2))
    nengo.Connection(stim[0], conn.learning_rule)


def rls(stim: nengo.Node, pre: nengo.Ensemble, post: nengo.Ensemble) -> None:
    """Decoders learn by recursive least squares."""
    conn = nengo.Connection(pre, post, function=zero, learning_rule_type=nengo.RLS())
    nengo.Connection(post, conn.learning_rule)
    nengo.Connection(stim, conn.learning_rule, transform=-1)


LEARNERS: dict[str, Learner] = {
    learner.__name__: learner
    for learner in (
        pes_to_node,
        pes_to_ensemble,
        pes_of_weights,
        pes_to_neurons,
        pes_of_slice,
        bcm,
        oja,
        bcm_and_oja,
        voja,
        rls,
    )
}
"""What adds each to a network."""

ON_LOIHI = ("pes_to_node", "pes_to_ensemble")
"""Those that NengoLoihi has the chip learn."""


def learning_network(name: str) -> nengo.Network:
    """Return a network of two ensembles with what learns between them."""
    with nengo.Network(seed=3) as net:
        add_learner(name)
    return net


def add_learner(name: str) -> nengo.Ensemble:
    """Add two ensembles with what learns between them, and return the second."""
    stim = nengo.Node(np.zeros(2), label="stim")
    pre = nengo.Ensemble(30, 2, label="pre")
    post = nengo.Ensemble(20, 2, label="post")
    nengo.Connection(stim, pre)
    LEARNERS[name](stim, pre, post)
    return post
