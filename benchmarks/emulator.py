"""The compiled Loihi emulator beside NengoLoihi's, in one run.

Prints how much faster a timestep is on a CIFAR-sized network and on the demo's network
for digits, host included; synaptic events per second on one core, beside what copying
memory allows; how time grows with spikes, synapses and compartments; and a batch beside
single runs. Every ratio is the median of rounds in which both are timed in turn.

    python benchmarks/emulator.py
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from typing import Any, Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import nengo
import numpy as np
import scipy.sparse as sp

import nengo_energy as ne
from nengo_energy.activity.emulator import open_simulator
from nengo_energy.cli.demo import load_digits, train_digits_model
from nengo_energy.compat import import_nengo_loihi

DT = 0.001
CIFAR_GOAL, DIGITS_GOAL, BANDWIDTH_GOAL = 25, 5, 0.5

Clock = Callable[[], float]

ONE_CORE = time.thread_time
"""Time that this thread had a core for, so that others on the machine don't count."""

CIFAR_LAYERS = (
    # filters, kernel, stride, and shape of the blocks; the first layer is the host's
    (4, 1, 1, None),
    (64, 3, 2, (16, 16, 4)),
    (72, 3, 1, (7, 7, 8)),
    (256, 3, 2, (6, 6, 12)),
    (256, 1, 1, (6, 6, 24)),
    (64, 1, 1, (6, 6, 24)),
)


def cifar_network(share: float) -> nengo.Network:
    """Return a strided all-convolutional network for images of 32 x 32 x 3.

    Its biases let each neuron spike in a share of the timesteps of that mean; the
    weights are small beside them, so that the share stays.
    """
    nengo_loihi = import_nengo_loihi()
    neuron_type = nengo_loihi.neurons.LoihiSpikingRectifiedLinear()
    rng = np.random.RandomState(0)
    shape = (32, 32, 3)
    with nengo.Network(seed=0) as net:
        nengo_loihi.add_params(net)
        source = nengo.Node(rng.uniform(size=int(np.prod(shape))))
        for filters, kernel, stride, pieces in CIFAR_LAYERS:
            conv = nengo.Convolution(
                filters,
                shape,
                (kernel, kernel),
                (stride, stride),
                init=0.1
                * rng.normal(size=(kernel, kernel, shape[-1], filters))
                / np.sqrt(kernel**2 * shape[-1]),
            )
            shape = conv.output_shape.shape
            layer = nengo.Ensemble(
                conv.size_out,
                1,
                gain=np.ones(conv.size_out),
                bias=share / DT * rng.uniform(0.25, 1.75, size=conv.size_out),
                neuron_type=neuron_type,
            )
            if pieces is None:
                net.config[layer].on_chip = False
            else:
                net.config[layer].block_shape = nengo_loihi.BlockShape(pieces, shape)
            conn = nengo.Connection(
                source,
                layer.neurons,
                transform=conv,
                synapse=None if pieces is None else 0.005,
            )
            net.config[conn].pop_type = 16
            source = layer.neurons
        out = nengo.Node(size_in=10)
        weights = rng.normal(size=(10, layer.n_neurons)) / 100
        nengo.Connection(source, out, transform=weights, synapse=0.005)
        nengo.Probe(out)
    return net


def digits_network(n_epochs: int) -> tuple[nengo.Network, dict]:
    """Return the demo's network as it is deployed, and an image."""
    digits = load_digits()
    model = train_digits_model(digits, n_epochs, progress=False)
    snn = ne.convert(model, scale_firing_rates=200, synapse=0.005)
    with snn.simulator("loihi", emulator="nengo-loihi") as sim:
        network = sim.network
    return network, {snn.input_nodes[0]: digits.x_test[0].ravel()}


def dense_chip(n_sources: int, n_blocks: int, share: float, density: float) -> Any:
    """Return the compiled emulator of one block of sources, and blocks of targets.

    Sources spike in a share of the timesteps; targets of 1,024 compartments don't.
    """
    from nengo_loihi.block import Axon, LoihiBlock, Synapse
    from nengo_loihi.builder import Model

    from nengo_energy.activity.emulator.interface import FastEmulator

    rng = np.random.RandomState(0)
    model, source = Model(), LoihiBlock(n_sources)
    blocks = [LoihiBlock(1024) for _ in range(n_blocks)]
    for block in (source, *blocks):
        n = block.n_neurons
        chip = block.compartment
        chip.scale_u = chip.scale_v = False
        chip.decay_u = np.full(n, 4095, np.int32)
        chip.decay_v = np.zeros(n, np.int32)
        chip.vth = np.full(n, 2**20, np.int32)
        chip.vmax = 2**23 - 1
        chip.bias = np.zeros(n, np.int32)
        model.add_block(block)
    source.compartment.bias = (
        share * 2**20 * rng.uniform(0.5, 1.5, size=n_sources)
    ).astype(np.int32)
    for block in blocks:
        synapse = Synapse(n_sources)
        weights = rng.randint(-127, 128, size=(n_sources, 1024)).astype(np.float32)
        if density < 1:
            kept = rng.uniform(size=weights.shape) < density
            synapse.set_weights(sp.csr_matrix(weights * kept))
        else:
            synapse.set_weights(weights)
        synapse.weights = [w.astype(np.int32) for w in synapse.weights]
        block.add_synapse(synapse)
        axon = Axon(n_sources)
        axon.target = synapse
        source.add_axon(axon)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return FastEmulator(model, seed=0)


def seconds(work: Callable[[], object], clock: Clock = time.perf_counter) -> float:
    """Return how long some work takes."""
    start = clock()
    work()
    return clock() - start


def in_turn(
    rounds: int, *works: Callable[[], object], clock: Clock = time.perf_counter
) -> list[list[float]]:
    """Time several works in turn, and return the times of each."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, found in zip(works, times):
            found.append(seconds(work, clock))
    return times


def spread(values: list[float], unit: str = "") -> str:
    """Return the median of some values, and the least and the largest."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):.4g}{unit} ({low:.4g} to {high:.4g})"


def compare_networks(
    name: str,
    network: nengo.Network,
    inputs: dict,
    steps: tuple[int, int],
    rounds: int,
    goal: float,
) -> Any:
    """Print how much faster a timestep of a network is."""
    from nengo_energy.compat.emulator import set_input

    sims = {}
    for emulator in ("nengo-loihi", "fast"):
        sims[emulator] = open_simulator(network, emulator=emulator, target="sim")
        for node, value in inputs.items():
            set_input(sims[emulator], node, value)
        sims[emulator].run_steps(200)
    stock, fast = sims["nengo-loihi"], sims["fast"]
    chips = [sim.sims["emulator"] for sim in (stock, fast)]
    counts = [chip.compartment.spike_count.copy() for chip in chips]
    assert np.array_equal(*counts) and counts[0].any()
    times = in_turn(
        rounds, lambda: stock.run_steps(steps[0]), lambda: fast.run_steps(steps[1])
    )
    n = len(counts[1])
    spiking = (chips[1].compartment.spike_count - counts[1]).sum() / (rounds * steps[1])
    each = [[t / k * 1e3 for t in found] for found, k in zip(times, steps)]
    ratios = [a / b for a, b in zip(*each)]
    alone = in_turn(
        rounds,
        lambda: chips[0].run_steps(steps[0]),
        lambda: chips[1].run_steps(steps[1]),
    )
    chip_ratios = [a / steps[0] / b * steps[1] for a, b in zip(*alone)]
    print(
        f"{name}: {n:,} compartments, {spiking / n:.2%} of them spike in a timestep\n"
        f"  stock          {spread(each[0], ' ms')} a timestep\n"
        f"  compiled       {spread(each[1], ' ms')}\n"
        f"  faster by      {spread(ratios)}; goal {goal}\n"
        f"  chip alone by  {spread(chip_ratios)}"
    )
    stock.close()
    return fast


def report_build(sim: Any, rounds: int) -> None:
    """Print time and memory of flattening."""
    from nengo_energy.activity.emulator.program import build_program

    chip = sim.sims["emulator"]
    (times,) = in_turn(
        rounds,
        lambda: build_program(chip.block_info.slices, chip.inputs, chip.compartment),
    )
    program = chip.program
    print(
        f"  flattened in   {spread([t * 1e3 for t in times], ' ms')}\n"
        f"  memory         {program.nbytes / program.n_synapses:.2f} bytes a synapse, "
        f"{program.nbytes / 1e6:.1f} MB for {program.n_synapses:,} synapses, shared "
        "weights unshared"
    )


def compare_with_copying(rounds: int) -> None:
    """Print synaptic events per second beside what copying memory allows.

    A copy of n bytes reads n and writes n; delivery reads the weights, and the
    compartments that they are added to stay in the caches.
    """
    print("synaptic events on one core, of more weights than the caches hold")
    source = np.ones(2**27, np.int8)  # untouched zeros would be one page
    target = source.copy()
    for name, density in (("dense", 1.0), ("scattered", 0.2)):
        chip = dense_chip(1024, 64, 0.05, density)
        fan_out = chip.program.n_synapses / 1024
        size = chip.program.nbytes / chip.program.n_synapses
        chip.run_steps(20)
        rates, copies = [], []
        for _ in range(rounds):
            before = arrived(chip)
            taken = seconds(lambda: chip.run_steps(20), ONE_CORE)
            rates.append((arrived(chip) - before) * fan_out / taken / 1e9)
            copied = seconds(lambda: np.copyto(target, source), ONE_CORE)
            copies.append(source.nbytes / copied / 1e9)
        shares = [rate * size / copy for rate, copy in zip(rates, copies)]
        print(
            f"  {name:<14s} {spread(rates, ' billion/s')}, {size:.2f} bytes each\n"
            f"  copying        {spread(copies, ' GB/s')} read, as many written\n"
            f"  share of it    {spread(shares)} of what it reads, goal "
            f"{BANDWIDTH_GOAL}; {statistics.median(shares) / 2:.2f} of all it moves"
        )


def arrived(chip: Any) -> int:
    """Return how many spikes of the first block have been delivered."""
    own = chip.compartment
    return int(own.spike_count[:1024].sum()) - int(own.spiked[:1024].sum())


def show_growth(rounds: int) -> None:
    """Print how the time of a timestep grows."""
    print("time of a timestep on the chip")
    cases = [("spikes", share, 16, 1.0) for share in (0.005, 0.02, 0.08, 0.32)]
    cases += [("synapses", 0.02, 16, density) for density in (0.1, 0.2, 0.4, 0.8)]
    cases += [("compartments", 0.0, n, 0.01) for n in (8, 32, 128, 512)]
    for what, share, n_blocks, density in cases:
        chip = dense_chip(1024, n_blocks, share, density)
        chip.run_steps(200)
        before = chip.compartment.spike_count.sum()
        (times,) = in_turn(rounds, lambda: chip.run_steps(100), clock=ONE_CORE)
        spikes = (chip.compartment.spike_count.sum() - before) / (100 * rounds)
        n_compartments = chip.program.n_compartments
        events = spikes * chip.program.n_synapses / 1024
        print(
            f"  more {what:<13s} {spikes:6.1f} spikes, {events:11,.0f} events, "
            f"{n_compartments:7,} compartments: "
            f"{spread([t * 1e4 for t in times], ' us')}"
        )


def compare_batch(sim: Any, rounds: int, n_steps: int = 50, size: int = 16) -> None:
    """Print the time of a batch beside that of single runs, of the chip alone."""
    from nengo_energy.activity.emulator.batch import ChipBatch, arriving

    chip = sim.sims["emulator"]
    nothing = arriving(chip, [], n_steps)

    def batch() -> None:
        ChipBatch(chip, chip.recorder, size).run([nothing] * size, n_steps)

    def single() -> None:
        for _ in range(size):
            chip.restarted(sim.model).run_steps(n_steps)

    batch()
    times = in_turn(rounds, single, batch)
    ratios = [a / b for a, b in zip(*times)]
    print(
        f"{size} inferences of {n_steps} timesteps on the CIFAR-sized chip\n"
        f"  one by one     {spread(times[0], ' s')}\n"
        f"  as a batch     {spread(times[1], ' s')} on {os.cpu_count()} cores\n"
        f"  faster by      {spread(ratios)}"
    )


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=5, help="of the digits' training")
    options = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    import_nengo_loihi()
    rounds = options.rounds
    sim = compare_networks(
        "CIFAR-sized", cifar_network(0.02), {}, (4, 200), rounds, CIFAR_GOAL
    )
    report_build(sim, rounds)
    network, inputs = digits_network(options.epochs)
    digits = compare_networks(
        "digits", network, inputs, (100, 400), rounds, DIGITS_GOAL
    )
    report_build(digits, rounds)
    compare_with_copying(rounds)
    show_growth(rounds)
    compare_batch(sim, rounds)
    for each in (sim, digits):
        each.close()


if __name__ == "__main__":
    main()
