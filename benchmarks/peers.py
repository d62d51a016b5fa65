"""Our measurement beside what else one would take: CPU seconds, wall and spikes.

The same network, 64 images x 50 timesteps, in turn and in one process:

* ``measure``: ours, with all that it counts, on a model that was measured before;
  ``measure, first``: the first call of a process, imports aside;
* ``NengoDL``: ``measure(simulator="nengo-dl")``, and ``loihi`` likewise;
* ``JAX``: ``jax.lax.scan``, jitted, which sums spikes up neuron by neuron;
* ``PyTorch``: a loop that does the same;
* ``SpikingJelly``, ``snnTorch`` and ``sinabs``: loops over their neurons,
  SpikingJelly's also under its ``SynOpCounter``. Their neurons' voltage may fall below
  zero, and NengoLoihi's not, so that their spikes differ.

Peers that aren't installed are skipped; to install them:
``pip install "nengo-energy[peers]"``.

    python benchmarks/peers.py [--repeats 7] [--threads 1 2]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any, Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

N_IMAGES, TIMESTEPS, DT, TAU = 64, 50, 0.001, 0.005
SCALE = 200.0
KEEP = float(np.exp(-DT / TAU))

# filters, stride and padding of the convolutions; a dense layer of 10 follows
NETWORKS: dict[str, tuple[tuple[int, ...], list[tuple[int, int, str]]]] = {
    "28x28": ((28, 28, 1), [(8, 1, "valid"), (16, 2, "valid")]),
    "cifar": ((32, 32, 3), [(32, 1, "same"), (32, 2, "same"), (64, 2, "same")]),
}


class Case:
    """A network, its weights and its inputs."""

    def __init__(self, name: str):
        import nengo_energy as ne
        from nengo_energy.compat import import_tf_keras

        keras = import_tf_keras()
        shape, self.convolutions = NETWORKS[name]
        layers = keras.layers
        x = image = keras.Input(shape)
        for filters, stride, padding in self.convolutions:
            x = layers.Conv2D(filters, 3, stride, padding, activation="relu")(x)
        model = keras.Model(image, layers.Dense(10)(layers.Flatten()(x)))
        rng = np.random.RandomState(0)
        self.weights = [_weights(rng, w) for w in model.get_weights()]
        model.set_weights(self.weights)
        self.images = rng.uniform(size=(N_IMAGES, *shape)).astype("f4")
        self.snn = ne.convert(
            model, scale_firing_rates=SCALE, synapse=TAU, verify=False
        )
        self.snn.topology.n_synapses  # traced once for any number of measurements

    def measure(self, simulator: str = "compiled") -> list[int]:
        """Return the spikes of each layer."""
        activity = self.snn.measure(
            self.images, TIMESTEPS, simulator=simulator, dt=DT, progress=False
        )
        self.activity = activity
        return [int(p.spikes.sum()) for p in activity.populations.values()]


def _weights(rng: np.random.RandomState, w: np.ndarray) -> np.ndarray:
    """Return weights by which a sum of inputs around one stays around one."""
    if w.ndim == 1:
        return rng.uniform(0, 0.1, size=w.shape).astype("f4")
    limit = 2.0 / np.prod(w.shape[:-1])
    return rng.uniform(-0.5 * limit, 1.5 * limit, size=w.shape).astype("f4")


# --- peers ---------------------------------------------------------------------------


def jax_run(case: Case) -> Callable[[], list[int]]:
    """Return a function that runs the network by ``jax.lax.scan``."""
    import jax
    import jax.numpy as jnp

    kernels, biases = case.weights[0:-2:2], case.weights[1:-2:2]
    dense, last = case.weights[-2:]

    def convolve(x: Any, k: int) -> Any:
        _, stride, padding = case.convolutions[k]
        return jax.lax.conv_general_dilated(
            x,
            kernels[k],
            (stride, stride),
            padding.upper(),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )

    @jax.jit
    def run(images: Any) -> Any:
        current = SCALE * (convolve(images, 0) + biases[0])
        shapes = [current.shape]
        for k in range(1, len(kernels)):
            shapes.append(jax.eval_shape(lambda x: convolve(x, k), current).shape)
            current = jnp.zeros(shapes[-1])
        current = SCALE * (convolve(images, 0) + biases[0])

        def step(carry: Any, _: Any) -> Any:
            voltages, filtered, counts, out, total = carry
            new_v, new_y, new_c = [], [], []
            spikes = None
            for k in range(len(kernels)):
                drive = current if k == 0 else SCALE * (filtered[k - 1] + biases[k])
                v = voltages[k] + drive * DT
                fires = v > 1
                new_v.append(jnp.where(fires, 0, jnp.maximum(v, 0)))
                new_c.append(counts[k] + fires)
                spikes = fires.astype("float32") / (SCALE * DT)
                if k + 1 < len(kernels):
                    x = convolve(spikes, k + 1)
                    new_y.append(KEEP * filtered[k] + (1 - KEEP) * x)
            x = spikes.reshape(N_IMAGES, -1) @ dense
            total = total + out + last
            out = KEEP * out + (1 - KEEP) * x
            return (new_v, new_y, new_c, out, total), None

        zeros = [jnp.zeros(shape) for shape in shapes]
        counts = [jnp.zeros(shape, "int32") for shape in shapes]
        out = jnp.zeros((N_IMAGES, 10))
        start = (zeros, zeros[1:], counts, out, out)
        (_, _, counts, _, total), _ = jax.lax.scan(step, start, None, TIMESTEPS)
        return [c.sum() for c in counts], counts, total

    images = jnp.asarray(case.images)

    def once() -> list[int]:
        totals, counts, total = run(images)
        total.block_until_ready()
        return [int(n) for n in totals]

    return once


class TorchNetwork:
    """Weights and a loop over timesteps in PyTorch, for neurons of several kinds."""

    def __init__(self, case: Case):
        import torch

        self.torch = torch
        torch.set_grad_enabled(False)
        to = torch.nn.functional
        self.images = torch.from_numpy(case.images.transpose(0, 3, 1, 2).copy())
        self.layers: list[Any] = []
        size = case.images.shape[1]
        for k, (filters, stride, padding) in enumerate(case.convolutions):
            kernel, bias = case.weights[2 * k], case.weights[2 * k + 1]
            layer = torch.nn.Conv2d(
                kernel.shape[2], filters, kernel.shape[0], stride, bias=False
            )
            layer.weight[...] = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
            n_out = (
                -(-size // stride) if padding == "same" else (size - 3) // stride + 1
            )
            pad = max((n_out - 1) * stride + 3 - size, 0) if padding == "same" else 0
            pads = (pad // 2, pad - pad // 2) * 2
            size = n_out
            bias = torch.from_numpy(bias)[None, :, None, None]
            self.layers.append((layer, pads, bias))
        dense, self.last = case.weights[-2], torch.from_numpy(case.weights[-1])
        rows = dense.reshape(size, size, -1, 10).transpose(2, 0, 1, 3)
        self.dense = torch.nn.Linear(len(dense), 10, bias=False)
        self.dense.weight[...] = torch.from_numpy(rows.reshape(len(dense), 10).T.copy())
        self.pad = to.pad

    def convolve(self, k: int, x: Any) -> Any:
        layer, pads, _ = self.layers[k]
        return layer(self.pad(x, pads) if any(pads) else x)

    def run(self, neurons: Callable[[int, Any], Any]) -> list[int]:
        """Run all timesteps; ``neurons(layer, x)`` returns spikes for voltage steps."""
        n_layers = len(self.layers)
        first = SCALE * DT * (self.convolve(0, self.images) + self.layers[0][2])
        filtered: list[Any] = [0.0] * n_layers
        counts: list[Any] = [0.0] * n_layers
        total: Any = 0.0
        for _ in range(TIMESTEPS):
            x = first
            for k in range(n_layers):
                if k > 0:
                    bias = self.layers[k][2]
                    before, filtered[k - 1] = filtered[k - 1], (
                        KEEP * filtered[k - 1] + (1 - KEEP) / (SCALE * DT) * x
                    )
                    x = SCALE * DT * (before + bias)
                    if isinstance(before, float):
                        x = x.expand(filtered[k - 1].shape)
                spikes = neurons(k, x)
                counts[k] = counts[k] + spikes
                if k + 1 < n_layers:
                    x = self.convolve(k + 1, spikes)
            x = self.dense(spikes.reshape(N_IMAGES, -1))
            total = total + filtered[-1] + self.last
            filtered[-1] = KEEP * filtered[-1] + (1 - KEEP) / (SCALE * DT) * x
        return [int(c.sum()) for c in counts]


def torch_run(case: Case) -> Callable[[], list[int]]:
    """Return a function that runs the network by a plain loop in PyTorch."""
    network = TorchNetwork(case)
    torch = network.torch

    def once() -> list[int]:
        voltages: dict[int, Any] = {}

        def neurons(k: int, x: Any) -> Any:
            v = voltages.get(k, 0.0) + x
            spikes = (v > 1).float()
            voltages[k] = torch.clamp(v, min=0) * (1 - spikes)
            return spikes

        return network.run(neurons)

    return once


def jelly_run(case: Case, counted: bool = False) -> Callable[[], list[int]]:
    """Return a function that runs the network by SpikingJelly's neurons."""
    from spikingjelly.activation_based import functional, neuron, op_counter

    network = TorchNetwork(case)
    nodes = [neuron.IFNode() for _ in network.layers]

    def once() -> list[int]:
        for node in nodes:
            functional.reset_net(node)
        if not counted:
            return network.run(lambda k, x: nodes[k](x))
        counter = op_counter.SynOpCounter()
        with op_counter.DispatchCounterMode([counter]):
            return network.run(lambda k, x: nodes[k](x))

    return once


def snntorch_run(case: Case) -> Callable[[], list[int]]:
    """Return a function that runs the network by snnTorch's neurons."""
    import snntorch

    network = TorchNetwork(case)
    nodes = [
        snntorch.Leaky(beta=1.0, reset_mechanism="zero", reset_delay=False)
        for _ in network.layers
    ]

    def once() -> list[int]:
        memory = {k: node.reset_mem() for k, node in enumerate(nodes)}

        def neurons(k: int, x: Any) -> Any:
            spikes, memory[k] = nodes[k](x, memory[k])
            return spikes

        return network.run(neurons)

    return once


def sinabs_run(case: Case) -> Callable[[], list[int]]:
    """Return a function that runs the network by sinabs' neurons, step by step."""
    import sinabs.activation
    import sinabs.layers

    network = TorchNetwork(case)
    nodes = [
        sinabs.layers.IAF(
            spike_threshold=network.torch.tensor(1.0),
            spike_fn=sinabs.activation.SingleSpike,
            reset_fn=sinabs.activation.MembraneReset(),
        )
        for _ in network.layers
    ]

    def once() -> list[int]:
        for node in nodes:
            node.reset_states()
        return network.run(lambda k, x: nodes[k](x[:, None])[:, 0])

    return once


PEERS: dict[str, Callable[[Case], Callable[[], list[int]]]] = {
    "JAX": jax_run,
    "PyTorch": torch_run,
    "SpikingJelly": jelly_run,
    "SpikingJelly, SynOpCounter": lambda case: jelly_run(case, counted=True),
    "snnTorch": snntorch_run,
    "sinabs": sinabs_run,
}


# --- timing --------------------------------------------------------------------------


def timed(work: Callable[[], list[int]]) -> tuple[float, float, list[int]]:
    """Return CPU seconds of all threads, wall seconds, and the result."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return time.process_time() - cpu, time.perf_counter() - wall, result


def run_network(name: str, repeats: int) -> None:
    """Time all that are installed on one network, and print it as JSON."""
    import numba  # noqa: F401  imports aside

    case = Case(name)
    first = timed(case.measure)
    found: dict[str, Any] = {"measure, first": [first]}
    works: dict[str, Callable[[], list[int]]] = {
        "measure": case.measure,
        "NengoDL": lambda: case.measure("nengo-dl"),
        "loihi": lambda: case.measure("loihi"),
    }
    skipped = []
    for peer, build in PEERS.items():
        try:
            works[peer] = build(case)
            found[f"{peer}, first"] = [timed(works[peer])]
        except ImportError as error:
            skipped.append(f"{peer} ({error})")
    for work in works.values():  # warm up
        work()
    for _ in range(repeats):
        for peer, work in works.items():
            found.setdefault(peer, []).append(timed(work))
    case.measure()
    populations = case.activity.populations.values()
    print(
        json.dumps(
            {
                "neurons": case.snn.topology.n_neurons,
                "synops": sum(
                    int(s.sum())
                    for p in populations
                    for s in p.synops_per_inference.values()
                ),
                "runs": found,
                "skipped": skipped,
            }
        )
    )


def show(name: str, threads: int, data: dict[str, Any]) -> None:
    """Print the table of one network."""
    updates = data["neurons"] * N_IMAGES * TIMESTEPS
    print(
        f"\n{name}, {threads} thread{'s' * (threads > 1)}: "
        f"{data['neurons']:,} neurons, {updates / 1e6:.1f} M updates, "
        f"{data['synops'] / 1e6:.1f} M synops"
    )
    print(f"{'':28s} {'CPU [s]':>9s} {'wall [s]':>9s}   spikes by layer")
    for peer, runs in data["runs"].items():
        cpu, wall = (statistics.median(run[k] for run in runs) for k in (0, 1))
        spikes = ", ".join(f"{n:,}" for n in runs[-1][2])
        print(f"{peer:28s} {cpu:9.3f} {wall:9.3f}   {spikes}")
    for peer in data["skipped"]:
        print(f"skipped: {peer}")


def main() -> None:
    """Run each network in a process of its own, held to some cores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--network", choices=NETWORKS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.network:
        run_network(options.network, options.repeats)
        return
    cores = sorted(os.sched_getaffinity(0))
    for threads in options.threads:
        for name in NETWORKS:
            command = [sys.executable, __file__, "--network", name]
            result = subprocess.run(
                [*command, "--repeats", str(options.repeats)],
                check=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                preexec_fn=lambda: os.sched_setaffinity(0, cores[:threads]),
                env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            )
            show(name, threads, json.loads(result.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
