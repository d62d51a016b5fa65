"""The ledger beside SANA-FE, an independent simulator of Loihi, on placed networks.

Four networks are converted, laid on cores and run on NengoLoihi's emulator. SANA-FE
gets the same cores at the same places, the same synapses from every neuron to every
core, and the same spikes at every timestep, with the prices and times of its own
description of Loihi. Synops, messages and hops must be equal as integers; energy and
latency are put beside each other.

Three differences are known, and evened out or named:

- SANA-FE delivers a spike in the timestep in which it is sent, NengoLoihi in the next:
  spikes that are on their way at the end are counted on both sides.
- A neuron that nothing on the chip listens to is charged for its spike by SANA-FE, and
  not by the ledger.
- SANA-FE follows every message; the ledger takes the busiest core of each timestep.

Input from the host enters through a tile of its own that costs nothing, and isn't
counted as a message on the mesh.

    pip install "nengo-energy[peers]"
    python benchmarks/sanafe.py
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import nengo_energy as ne
from nengo_energy import devices
from nengo_energy.activity.emulator.meter import SpikeMeter
from nengo_energy.activity.inputs import check_inputs
from nengo_energy.common.tables import format_si, format_table
from nengo_energy.compat import import_tensorflow
from nengo_energy.compat.emulator import allocator, set_input
from nengo_energy.compat.loihi_image import ChipImage, read_image
from nengo_energy.loihi.mesh import Placement

TIMESTEPS = 50
TILES_WIDE, TILES_HIGH, CORES_PER_TILE, CORE_SIZE = 8, 4, 4, 1024
HOST_TILE = TILES_WIDE * TILES_HIGH - 1
"""The tile that stands for the host; the networks here leave it free."""

DEVICE = "loihi-fitted2025"
HOP_ENERGIES = (3.0e-12, 4.2e-12)
"""East or west, and north or south, in SANA-FE's description [J]."""

UNITS = {
    "dense": "loihi_dense_synapse",
    "sparse": "loihi_sparse_synapse",
    "convolution": "loihi_conv_synapse",
}
"""What SANA-FE calls the forms of synapses."""


def import_sanafe() -> Any:
    """Return SANA-FE, not this script of the same name."""
    here = Path(__file__).parent.resolve()
    path = list(sys.path)
    sys.path = [entry for entry in path if Path(entry or ".").resolve() != here]
    try:
        return importlib.import_module("sanafe")
    finally:
        sys.path = path


def mlp(layers: Any, x: Any) -> Any:
    """Four dense layers, the first of them on the host."""
    for n_units in (100, 80, 60, 40):
        x = layers.Dense(n_units, activation="relu")(x)
    return layers.Dense(10)(x)


def digits_cnn(layers: Any, x: Any) -> Any:
    """Two convolutions and a dense layer, for digits of 8 x 8."""
    x = layers.Conv2D(8, 3, activation="relu")(x)
    x = layers.Conv2D(16, 3, activation="relu")(x)
    x = layers.Dense(32, activation="relu")(layers.Flatten()(x))
    return layers.Dense(10)(x)


def conv(layers: Any, x: Any) -> Any:
    """Two small convolutions."""
    x = layers.Conv2D(4, 3, activation="relu")(x)
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    return layers.Dense(10)(layers.Flatten()(x))


def wide_conv(layers: Any, x: Any) -> Any:
    """Convolutions that need several cores each."""
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(16, 3, padding="same", strides=2, activation="relu")(x)
    x = layers.Conv2D(24, 3, padding="same", activation="relu")(x)
    return layers.Dense(10)(layers.Flatten()(x))


NETWORKS: Mapping[str, tuple[Callable[[Any, Any], Any], tuple[int, ...]]] = {
    "mlp": (mlp, (64,)),
    "digits CNN": (digits_cnn, (8, 8, 1)),
    "conv": (conv, (10, 10, 1)),
    "wide conv": (wide_conv, (16, 16, 2)),
}


@dataclass(frozen=True)
class Result:
    """What one side says of one inference.

    Attributes
    ----------
    synops, messages, hops : int
        Counts.
    energy, latency : float
        Dynamic energy [J] and time [s].
    """

    synops: int
    messages: int
    hops: int
    energy: float
    latency: float


@dataclass(frozen=True)
class Comparison:
    """Both sides, and what explains the difference of their energies.

    Attributes
    ----------
    network : str
        Its name.
    n_cores : int
        Cores that it takes.
    ours, theirs : Result
        The ledger, and SANA-FE.
    silent_output : float
        Energy of spikes that nothing on the chip listens to, which SANA-FE charges [J].
    """

    network: str
    n_cores: int
    ours: Result
    theirs: Result
    silent_output: float


def recorded_spikes(
    prepared: ne.LoihiNetwork, inputs: Mapping[Any, np.ndarray]
) -> tuple[ChipImage, np.ndarray]:
    """Return what was built, and the spikes of every unit at every timestep.

    Compartments first, then the inputs, as (timesteps, n_units) ndarray.
    """
    data = check_inputs(prepared.network, inputs, TIMESTEPS)
    with prepared.simulator(target="sim") as sim:
        image = read_image(sim, allocator(prepared.n_chips), prepared.n_chips)
        meter = SpikeMeter(sim)
        for node, values in data.items():
            set_input(sim, node, values[0, 0])
        totals = [np.concatenate([meter.spikes, *meter.sent])]
        for _ in range(TIMESTEPS):
            sim.run_steps(1)
            sim.clear_probes()
            totals.append(np.concatenate([meter.spikes, *meter.sent]))
    return image, np.diff(totals, axis=0)


def description(folder: Path, package: Any) -> Path:
    """Return SANA-FE's description of Loihi, with a tile for the host, in a file.

    The barrier is left out, as the host's tile would lengthen it.
    """
    text = (Path(package.__file__).parent / "examples" / "loihi.yaml").read_text()
    table = next(line for line in text.splitlines() if "latency_sync: {" in line)
    text = text.replace("sync_model: table", "sync_model: fixed")
    text = text.replace(table, "    latency_sync: 0.0")
    start = text.index("    - name: loihi_tile[0..31]")
    tile = text[start:].rstrip() + "\n"
    chip = tile.replace("loihi_tile[0..31]", f"loihi_tile[0..{HOST_TILE - 1}]")
    free = [
        f"{line.partition(':')[0]}: 0.0" if _is_price(line) else line
        for line in tile.replace("loihi_tile[0..31]", "host_tile").splitlines()
    ]
    path = folder / "loihi.yaml"
    path.write_text(text[:start] + chip + "\n".join(free) + "\n")
    return path


def _is_price(line: str) -> bool:
    return line.strip().startswith(("energy_", "latency_"))


def replay(
    image: ChipImage, spikes: np.ndarray, places: list[tuple[int, int]]
) -> Result:
    """Return what SANA-FE says of the same cores and spikes, without its barriers.

    Parameters
    ----------
    image : ChipImage
        The cores and synapses.
    spikes : (timesteps, n_units) int ndarray
        Spikes of every unit.
    places : list of (int, int)
        Tile of each core, and its place there.
    """
    package = import_sanafe()
    n_cores = len(image.blocks)
    sizes = [len(block.neurons) for block in image.blocks] + list(image.input_sizes)
    # every core of these networks holds synapses of one form
    forms = {axon.target: axon.form for axon in image.axons}
    assert all(forms[axon.target] == axon.form for axon in image.axons)
    attributes = {"threshold": 64.0, "reset": 0.0, "leak_decay": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        arch = package.load_arch(str(description(Path(folder), package)))
        net = package.Network()
        groups = [
            net.create_neuron_group(
                f"g{k}",
                n,
                # Loihi advances every neuron in every timestep
                model_attributes={**attributes, "force_update": k < n_cores},
                soma_hw_name="loihi_lif",
                default_synapse_hw_name=UNITS[forms.get(k, "dense")],
            )
            for k, n in enumerate(sizes)
        ]
        for axon in image.axons:
            source = groups[axon.source + n_cores * axon.from_host]
            target = groups[axon.target]
            for unit in np.flatnonzero(axon.leads):
                for n in range(int(axon.weights[unit])):
                    source[int(unit)].connect_to_neuron(
                        target[n % sizes[axon.target]],
                        {"weight": 0.0},
                    )
        for group, (tile, core) in zip(groups, places):
            group.map_to_core(arch.tiles[tile].cores[core])
        host = [neuron for group in groups[n_cores:] for neuron in group]
        for n, neuron in enumerate(host):
            neuron.map_to_core(arch.tiles[HOST_TILE].cores[n // CORE_SIZE])
        chip = package.SpikingChip(arch)
        chip.load(net)
        neurons = [
            neuron
            for k in range(len(sizes))
            for neuron in chip.mapped_neuron_groups[f"g{k}"]
        ]
        energy = latency = 0.0
        synops = messages = hops = 0
        for now in spikes:
            for neuron, spike in zip(neurons, now):
                neuron.set_attributes(model_attributes={"bias": 128.0 * float(spike)})
            found = chip.sim(1, message_trace=True)
            energy += found["energy"]["total"]
            latency += found["sim_time"]
            for message in found["message_trace"][0]:
                if message["placeholder"]:
                    continue
                synops += message["spikes"]
                ways = [abs(message[f"src_{d}"] - message[f"dest_{d}"]) for d in "xy"]
                if message["src_tile_id"] == HOST_TILE:
                    energy -= sum(n * price for n, price in zip(ways, HOP_ENERGIES))
                else:
                    messages += 1
                    hops += message["hops"]
    return Result(synops, messages, hops, energy, latency)


def tile_of(placement: Placement, core: int) -> tuple[int, int]:
    """Return SANA-FE's number of a core's tile, down the columns, and its place."""
    column, row = int(placement.columns[core]), int(placement.rows[core])
    return column * TILES_HIGH + row, int(placement.slots[core]) % CORES_PER_TILE


def compare(name: str) -> Comparison:
    """Return one network on both sides."""
    keras = import_tensorflow().keras
    keras.utils.set_random_seed(0)
    build, shape = NETWORKS[name]
    x = keras.Input(shape)
    model = keras.Model(x, build(keras.layers, x))
    rng = np.random.RandomState(0)
    # on average, a sum of inputs around 1 stays around 1
    model.set_weights(
        [
            rng.uniform(-0.5, 1.5, w.shape) * 2 / max(np.prod(w.shape[:-1]), 10)
            for w in model.get_weights()
        ]
    )
    snn = ne.convert(model, verify=False, scale_firing_rates=200, synapse=0.005)
    prepared = snn.loihi_network()
    data = rng.uniform(size=(1, *shape)).astype(np.float32)
    ledger = snn.ledger(data, TIMESTEPS, progress=False)
    image, spikes = recorded_spikes(
        prepared, {snn.inputs[model.input]: data.reshape(1, 1, -1)}
    )
    cores = range(len(image.blocks))
    order = sorted(cores, key=lambda k: (image.chip_of[k], image.core_of[k]))
    placement = ledger.placements["greedy"]
    places = [tile_of(placement, order.index(k)) for k in cores]
    theirs = replay(image, spikes, places)
    device = devices.get(DEVICE)
    barriers = TIMESTEPS * device.times["barrier"].at(placement.n_tiles).value
    estimate = ledger.estimate(device)
    unheard = sum(
        core.spikes_to_host - core.spikes
        for core in ledger.cores
        if core.spikes_to_host and not core.spikes
    )
    return Comparison(
        name,
        ledger.n_cores,
        Result(
            ledger.synops + sum(ledger.pending.values()),
            ledger.total("messages_out"),
            sum(ledger.hops()),
            estimate.dynamic(device),
            estimate.latency(device) or 0.0,
        ),
        replace(theirs, latency=theirs.latency + barriers),
        unheard * device.energies["spike"].value,
    )


def table(comparisons: Sequence[Comparison]) -> str:
    """Return networks down, and both sides across."""
    header = ["network", "cores", "synops", "messages", "hops", "energy", "SANA-FE"]
    header += ["ratio", "unheard spikes", "latency", "SANA-FE", "ratio"]
    rows = []
    for found in comparisons:
        ours, theirs = found.ours, found.theirs
        counts = [
            f"{a:,}" if a == b else f"{a:,} / {b:,}"
            for a, b in (
                (ours.synops, theirs.synops),
                (ours.messages, theirs.messages),
                (ours.hops, theirs.hops),
            )
        ]
        rows.append(
            [
                found.network,
                str(found.n_cores),
                *counts,
                format_si(ours.energy, "J"),
                format_si(theirs.energy, "J"),
                f"{ours.energy / theirs.energy:.3f}",
                format_si(found.silent_output, "J"),
                format_si(ours.latency, "s"),
                format_si(theirs.latency, "s"),
                f"{ours.latency / theirs.latency:.3f}",
            ]
        )
    return format_table([header], rows, [])


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    print(table([compare(name) for name in NETWORKS]))


if __name__ == "__main__":
    main()
