"""Random networks of all families at once, with labels of their own."""

from __future__ import annotations

import nengo
import numpy as np

FULL = nengo.solvers.LstsqL2(weights=True)


def mixture(seed: int) -> nengo.Network:
    """Return a network of parts that feed each other, of drawn kinds and sizes.

    Ensembles, arrays, neurons, passthrough nodes and nodes that compute; slices,
    functions, full weights, filters, loops; learning; ensembles on Loihi's host; probes
    of neurons, of decoded values, sampled or not.
    """
    rng = np.random.RandomState(seed)
    with nengo.Network(seed=seed) as net:
        stim = nengo.Node(lambda t: np.sin(9 * t + np.arange(2)), label="stimulus")
        first = nengo.Ensemble(20, 2, label="ensemble 0")
        parts = [(first, first)]
        parts += [_part(rng, k) for k in range(1, rng.randint(2, 5))]
        nengo.Connection(stim, parts[0][0])
        for k in range(1, len(parts)):
            _connect(rng, parts[rng.randint(k)][1], parts[k][0])
        for _ in range(rng.randint(0, 3)):  # anywhere, also back
            pre, post = rng.randint(len(parts), size=2)
            _connect(rng, parts[pre][1], parts[post][0])
        if rng.rand() < 0.5:
            _learn(rng, stim, parts[-1][1])
        for ens in list(net.all_ensembles):
            if rng.rand() < 0.4:
                _probe(rng, ens)
        if rng.rand() < 0.5:
            nengo.Probe(parts[-1][1], sample_every=rng.choice([0.001, 0.003]))
    return net


def _part(rng, k):
    """Add what has two dimensions; return its input and its output."""
    kind = rng.choice(
        ["ensemble", "array", "through", "node"], p=[0.5, 0.25, 0.15, 0.1]
    )
    n = int(rng.randint(5, 25))
    if kind == "array":
        array = nengo.networks.EnsembleArray(n, 2, label=f"array {k}")
        return array.input, array.output
    if kind == "node":
        node = nengo.Node(
            lambda t, x: np.clip(x, -9, 9) ** 2, size_in=2, label=f"square {k}"
        )
        return node, node
    ens = nengo.Ensemble(n, 2, label=f"ensemble {k}", neuron_type=_neurons(rng))
    if kind == "ensemble":
        return ens, ens
    node = nengo.Node(size_in=2, label=f"through {k}")
    nengo.Connection(ens, node, transform=rng.randint(-1, 2, size=(2, 2)) * 0.5)
    return ens, node


def _neurons(rng):
    kinds = [nengo.LIF(), nengo.SpikingRectifiedLinear(), nengo.AdaptiveLIF()]
    return kinds[rng.choice(3, p=[0.7, 0.2, 0.1])]


def _connect(rng, pre, post):
    synapse = rng.choice([0.003, 0.01])
    between = isinstance(pre, nengo.Ensemble) and isinstance(post, nengo.Ensemble)
    kind = rng.choice(["plain", "slice", "function", "weights", "neurons"])
    if kind == "slice":
        nengo.Connection(pre[rng.randint(2)], post[rng.randint(2)], synapse=synapse)
    elif kind == "function" and isinstance(pre, nengo.Ensemble):
        nengo.Connection(pre, post, function=np.square, synapse=synapse)
    elif kind == "weights" and between:
        nengo.Connection(pre, post, solver=FULL, synapse=synapse)
    elif kind == "neurons" and between:
        weights = rng.randint(-1, 2, size=(post.n_neurons, pre.n_neurons)) * 1e-3
        nengo.Connection(pre.neurons, post.neurons, transform=weights, synapse=synapse)
    else:
        nengo.Connection(pre, post, transform=[[0, 1], [-1, 0]], synapse=synapse)


def _learn(rng, stim, source):
    """Learn the stimulus from the last part, for a node or an ensemble."""
    pre = nengo.Ensemble(12, 2, label="learner")
    nengo.Connection(source, pre)
    if rng.rand() < 0.5:
        post = nengo.Node(size_in=2, label="learnt")
    else:
        post = nengo.Ensemble(9, 2, label="learnt")
    conn = nengo.Connection(pre, post, learning_rule_type=nengo.PES(1e-4))
    error = nengo.Node(size_in=2, label="error")
    nengo.Connection(stim, error, transform=-1)
    nengo.Connection(
        post, error, synapse=None if isinstance(post, nengo.Node) else 0.01
    )
    nengo.Connection(error, conn.learning_rule)


def _probe(rng, ens):
    if rng.rand() < 0.5:
        nengo.Probe(ens.neurons, sample_every=rng.choice([0.001, 0.004]))
    else:
        nengo.Probe(ens, synapse=0.01)


def put_some_on_host(net: nengo.Network, add_params, seed: int) -> None:
    """Configure a third of the ensembles for Loihi's host, the first never."""
    rng = np.random.RandomState(seed)
    add_params(net)
    for ens in net.all_ensembles[1:]:
        if rng.rand() < 1 / 3:
            net.config[ens].on_chip = False
