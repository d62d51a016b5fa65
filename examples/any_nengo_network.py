"""The stages on a Nengo network that never saw Keras.

python examples/any_nengo_network.py
"""

from __future__ import annotations

import nengo
import numpy as np

import nengo_energy as ne

with nengo.Network(seed=0) as net:
    stimulus = nengo.Node(lambda t: np.sin(6 * t), label="stimulus")
    pre = nengo.Ensemble(100, 1, label="pre")
    post = nengo.Ensemble(50, 1, label="post")
    nengo.Connection(stimulus, pre)
    nengo.Connection(pre, post, function=np.square)
    output = nengo.Node(size_in=1, label="output")
    nengo.Connection(post, output)

# decoded connections as full weights between neurons, or as decoders and encoders
for decoded in ("weights", "factors"):
    topology = ne.trace_topology(net, decoded=decoded)
    activity = ne.measure_activity(net, timesteps=1000, topology=topology)
    counts = ne.count_ops(topology, activity)
    print(f"decoded={decoded!r}: {counts.total('synop'):,} synops in one second")
    print(ne.estimate_energy(counts, ["loihi", "loihi-davies2018"]), end="\n\n")
