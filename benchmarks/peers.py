"""Our measurement beside what else one would take: CPU seconds, wall and spikes.

The same network, 64 images x 50 timesteps, in turn, each in a process of its own. The
first call of the process has a column of its own, imports and conversion aside; calls
after that are on a model that was measured before.

* ``measure``: ours, with all that it counts; also on NengoDL and NengoLoihi's emulator;
* ``JAX``: ``jax.lax.scan``, jitted, which sums spikes up neuron by neuron;
* ``PyTorch``: a loop that does the same;
* ``SpikingJelly``, ``snnTorch`` and ``sinabs``: loops over their neurons,
  SpikingJelly's also under its ``SynOpCounter``. Their neurons' voltage may fall below
  zero, and NengoLoihi's not, so that their spikes differ.

Peers that aren't installed are skipped; to install them:
``pip install "nengo-energy[peers]"``.

    python benchmarks/peers.py
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
    """A network's weights and inputs, the same in all processes."""

    def __init__(self, name: str):
        self.shape, self.convolutions = NETWORKS[name]
        rng = np.random.RandomState(0)
        self.weights: list[np.ndarray] = []
        space, channels = self.shape[0], self.shape[2]
        for filters, stride, padding in self.convolutions:
            self._add(rng, (3, 3, channels, filters))
            space = (space if padding == "same" else space - 2) // stride
            channels = filters
        self._add(rng, (space * space * channels, 10))
        self.images = rng.uniform(size=(N_IMAGES, *self.shape)).astype("f4")

    def _add(self, rng: np.random.RandomState, shape: tuple[int, ...]) -> None:
        """Add weights by which a sum of inputs around one stays around one."""
        limit = 2.0 / np.prod(shape[:-1])
        kernel = rng.uniform(-0.5 * limit, 1.5 * limit, size=shape)
        bias = rng.uniform(0, 0.1, size=shape[-1:])
        self.weights += [kernel.astype("f4"), bias.astype("f4")]


# --- ours ----------------------------------------------------------------------------


def measure_run(case: Case, simulator: str) -> Callable[[], dict[str, Any]]:
    """Return a function that measures the converted network."""
    import numba  # noqa: F401  imports aside

    import nengo_energy as ne
    from nengo_energy.compat import import_tf_keras

    keras = import_tf_keras()
    layers = keras.layers
    x = image = keras.Input(case.shape)
    for filters, stride, padding in case.convolutions:
        x = layers.Conv2D(filters, 3, stride, padding, activation="relu")(x)
    model = keras.Model(image, layers.Dense(10)(layers.Flatten()(x)))
    model.set_weights(case.weights)
    snn = ne.convert(model, scale_firing_rates=SCALE, synapse=TAU, verify=False)
    snn.topology.n_synapses  # traced once for any number of measurements

    def once() -> dict[str, Any]:
        activity = snn.measure(
            case.images, TIMESTEPS, simulator=simulator, dt=DT, progress=False
        )
        populations = activity.populations.values()
        return {
            "spikes": [int(p.spikes.sum()) for p in populations],
            "synops": sum(
                int(synops.sum())
                for p in populations
                for synops in p.synops_per_inference.values()
            ),
            "neurons": snn.topology.n_neurons,
        }

    return once


# --- peers ---------------------------------------------------------------------------


def jax_run(case: Case) -> Callable[[], dict[str, Any]]:
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

    def once() -> dict[str, Any]:
        totals, counts, total = run(images)
        total.block_until_ready()
        return {"spikes": [int(n) for n in totals]}

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

    def run(self, neurons: Callable[[int, Any], Any]) -> dict[str, Any]:
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
        return {"spikes": [int(c.sum()) for c in counts]}


def torch_run(case: Case) -> Callable[[], dict[str, Any]]:
    """Return a function that runs the network by a plain loop in PyTorch."""
    network = TorchNetwork(case)
    torch = network.torch

    def once() -> dict[str, Any]:
        voltages: dict[int, Any] = {}

        def neurons(k: int, x: Any) -> Any:
            v = voltages.get(k, 0.0) + x
            spikes = (v > 1).float()
            voltages[k] = torch.clamp(v, min=0) * (1 - spikes)
            return spikes

        return network.run(neurons)

    return once


def jelly_run(case: Case, counted: bool = False) -> Callable[[], dict[str, Any]]:
    """Return a function that runs the network by SpikingJelly's neurons."""
    from spikingjelly.activation_based import functional, neuron, op_counter

    network = TorchNetwork(case)
    nodes = [neuron.IFNode() for _ in network.layers]

    def once() -> dict[str, Any]:
        for node in nodes:
            functional.reset_net(node)
        if not counted:
            return network.run(lambda k, x: nodes[k](x))
        counter = op_counter.SynOpCounter()
        with op_counter.DispatchCounterMode([counter]):
            return network.run(lambda k, x: nodes[k](x))

    return once


def snntorch_run(case: Case) -> Callable[[], dict[str, Any]]:
    """Return a function that runs the network by snnTorch's neurons."""
    import snntorch

    network = TorchNetwork(case)
    nodes = [
        snntorch.Leaky(beta=1.0, reset_mechanism="zero", reset_delay=False)
        for _ in network.layers
    ]

    def once() -> dict[str, Any]:
        memory = {k: node.reset_mem() for k, node in enumerate(nodes)}

        def neurons(k: int, x: Any) -> Any:
            spikes, memory[k] = nodes[k](x, memory[k])
            return spikes

        return network.run(neurons)

    return once


def sinabs_run(case: Case) -> Callable[[], dict[str, Any]]:
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

    def once() -> dict[str, Any]:
        for node in nodes:
            node.reset_states()
        return network.run(lambda k, x: nodes[k](x[:, None])[:, 0])

    return once


WORKS: dict[str, Callable[[Case], Callable[[], dict[str, Any]]]] = {
    "measure": lambda case: measure_run(case, "compiled"),
    "measure, NengoDL": lambda case: measure_run(case, "nengo-dl"),
    "measure, Loihi": lambda case: measure_run(case, "loihi"),
    "JAX": jax_run,
    "PyTorch": torch_run,
    "SpikingJelly": jelly_run,
    "SpikingJelly, SynOpCounter": lambda case: jelly_run(case, counted=True),
    "snnTorch": snntorch_run,
    "sinabs": sinabs_run,
}


# --- timing --------------------------------------------------------------------------


def work(name: str, network: str) -> None:
    """Run whenever there is a line to read, and print what came of it as JSON."""
    try:
        once = WORKS[name](Case(network))
    except ImportError as error:
        print(json.dumps({"skipped": str(error)}), flush=True)
        return
    print(json.dumps({}), flush=True)
    for _ in sys.stdin:
        cpu, wall = time.process_time(), time.perf_counter()
        result = once()
        result["cpu"] = time.process_time() - cpu
        result["wall"] = time.perf_counter() - wall
        print(json.dumps(result), flush=True)


class Worker:
    """A process of its own, held to some cores: libraries don't meet."""

    def __init__(self, name: str, network: str, cores: list[int]):
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--work", name, network],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
            env={**os.environ, "OMP_NUM_THREADS": str(len(cores))},
        )

    def read(self) -> dict[str, Any]:
        """Return the next line that is ours."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        return {"skipped": f"ended with code {self.process.wait()}"}

    def run(self) -> dict[str, Any]:
        """Let it run once."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.read()

    def close(self) -> None:
        """Let it end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def compare(network: str, n_threads: int, repeats: int) -> None:
    """Time all that are installed in turn, and print the table."""
    cores = sorted(os.sched_getaffinity(0))[:n_threads]
    workers: dict[str, Worker] = {}
    runs: dict[str, list[dict[str, Any]]] = {}
    for name in WORKS:
        worker = Worker(name, network, cores)
        answer = worker.read()
        if "skipped" not in answer:
            answer = worker.run()
        if "skipped" in answer:
            print(f"skipped: {name}, {answer['skipped']}")
            worker.close()
            continue
        workers[name], runs[name] = worker, [answer]
    for _ in range(repeats + 1):  # the second call warms up too
        for name, worker in workers.items():
            runs[name].append(worker.run())
    for worker in workers.values():
        worker.close()
    ours = runs["measure"][-1]
    updates = ours["neurons"] * N_IMAGES * TIMESTEPS
    print(
        f"\n{network}, {n_threads} thread{'s' * (n_threads > 1)}: "
        f"{ours['neurons']:,} neurons, {updates / 1e6:.1f} M updates, "
        f"{ours['synops'] / 1e6:.1f} M synops; median of {repeats}"
    )
    print(f"{'':27s} {'CPU [s]':>9s} {'wall [s]':>9s} {'first, CPU [s]':>15s}   spikes")
    for name, each in runs.items():
        cpu, wall = (
            statistics.median(run[k] for run in each[2:]) for k in ("cpu", "wall")
        )
        spikes = ", ".join(f"{n:,}" for n in each[-1]["spikes"])
        print(f"{name:27s} {cpu:9.3f} {wall:9.3f} {each[0]['cpu']:15.3f}   {spikes}")


def main() -> None:
    """Compare on each network, with each number of threads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=[*NETWORKS])
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work)
        return
    for n_threads in options.threads:
        for network in options.networks:
            compare(network, n_threads, options.repeats)


if __name__ == "__main__":
    main()
