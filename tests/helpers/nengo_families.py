"""The page of Nengo's world: a network of each family, on each simulator.

python tests/helpers/nengo_families.py    rewrites the tables of docs/nengo.md
"""

from __future__ import annotations

import re
import time
import warnings
from dataclasses import dataclass
from typing import Any, Callable, Iterable

import nengo
import numpy as np
from dense_counts import dense_fan_out, run_step_by_step
from learning_networks import add_learner
from nengo import spa
from paths import ROOT

import nengo_energy as ne
from nengo_energy.compat import import_nengo_dl, import_tf_keras

PAGE = ROOT / "docs" / "nengo.md"
PARTS = re.compile(r"(<!-- (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
STEPS = 100
SIMULATORS = ("nengo", "nengo-dl", "compiled", "loihi")


def wave(t: float) -> float:
    return float(np.sin(20 * t))


def representation() -> None:
    stim = nengo.Node(wave, label="stimulus")
    ens = nengo.Ensemble(50, 1, label="ensemble")
    nengo.Connection(stim, ens)
    nengo.Probe(ens, synapse=0.01)


def functions() -> None:
    stim = nengo.Node(wave, label="stimulus")
    a, b = (nengo.Ensemble(40, 1, label=label) for label in "ab")
    nengo.Connection(stim, a)
    nengo.Connection(a, b, function=np.square)


def products() -> None:
    stim = nengo.Node([0.5, -0.8], label="stimulus")
    both = nengo.Ensemble(60, 2, radius=1.4, label="both")
    product = nengo.Ensemble(30, 1, label="product")
    nengo.Connection(stim, both)
    nengo.Connection(both, product, function=lambda x: x[0] * x[1])


def slices() -> None:
    stim = nengo.Node([0.5], label="stimulus")
    ens = nengo.Ensemble(40, 2, label="ensemble")
    nengo.Connection(stim, ens[1])
    nengo.Connection(ens[1], ens[0], synapse=0.01)


def integrator() -> None:
    stim = nengo.Node(wave, label="stimulus")
    ens = nengo.Ensemble(60, 1, label="integrator")
    nengo.Connection(stim, ens, transform=0.1, synapse=0.1)
    nengo.Connection(ens, ens, synapse=0.1)


def oscillator() -> None:
    kick = nengo.Node(lambda t: [1.0, 0.0] if t < 0.02 else [0.0, 0.0], label="kick")
    ens = nengo.Ensemble(80, 2, label="oscillator")
    nengo.Connection(kick, ens)
    nengo.Connection(ens, ens, transform=[[1, 0.5], [-0.5, 1]], synapse=0.1)


def lorenz() -> None:
    def flow(x: Any) -> list[float]:
        a, b, c = x
        return [9.0 * (b - a), -a * c - b, a * b - 8 / 3 * (c + 28) - 28]

    ens = nengo.Ensemble(100, 3, radius=40, label="lorenz")
    nengo.Connection(ens, ens, function=lambda x: 0.1 * np.array(flow(x)) + x)


def arrays() -> None:
    stim = nengo.Node([0.3, -0.5, 0.8], label="stimulus")
    first = nengo.networks.EnsembleArray(20, 3, label="first")
    second = nengo.networks.EnsembleArray(20, 3, label="second")
    nengo.Connection(stim, first.input)
    nengo.Connection(first.output, second.input, transform=np.eye(3)[::-1])
    nengo.Probe(second.output)


def convolution_of_vectors() -> None:
    stim = nengo.Node([0.3, -0.5, 0.8, 0.1], label="stimulus")
    conv = nengo.networks.CircularConvolution(15, 4)
    nengo.Connection(stim, conv.input_a)
    nengo.Connection(stim, conv.input_b)
    nengo.Probe(conv.output)


def associative_memory() -> None:
    keys = np.eye(4)
    stim = nengo.Node(keys[1], label="stimulus")
    memory = nengo.networks.AssociativeMemory(keys, n_neurons=20)
    memory.add_wta_network()
    nengo.Connection(stim, memory.input)
    nengo.Probe(memory.output)


def selection() -> None:
    stim = nengo.Node([0.8, 0.4], label="stimulus")
    basal_ganglia = nengo.networks.BasalGanglia(2, n_neurons_per_ensemble=20)
    thalamus = nengo.networks.Thalamus(2, n_neurons_per_ensemble=20)
    nengo.Connection(stim, basal_ganglia.input)
    nengo.Connection(basal_ganglia.output, thalamus.input)
    nengo.Probe(thalamus.output)


def sequence() -> None:
    model = spa.SPA(label="sequence", seed=1)
    with model:
        model.state = spa.State(dimensions=4, subdimensions=4, neurons_per_dimension=10)
        actions = spa.Actions(
            "dot(state, A) --> state = B", "dot(state, B) --> state = A"
        )
        model.bg = spa.BasalGanglia(actions)
        model.thalamus = spa.Thalamus(model.bg)
        model.stimulus = spa.Input(state=lambda t: "A" if t < 0.02 else "0")


def learning(name: str) -> Callable[[], None]:
    def build() -> None:
        post = add_learner(name)
        nengo.Connection(post, nengo.Ensemble(25, 2, label="user"))

    return build


def adaptive_control() -> None:
    target = nengo.Node([0.3], label="target")
    arm = nengo.Node(lambda t, u: np.tanh(u) - 0.5, size_in=1, label="arm")
    error = nengo.Node(size_in=1, label="error")
    nengo.Connection(target, error)
    nengo.Connection(arm, error, transform=-1, synapse=None)
    nengo.Connection(error, arm, transform=2)
    adapt = nengo.Ensemble(50, 1, label="adapt")
    nengo.Connection(arm, adapt)
    conn = nengo.Connection(
        adapt, arm, function=lambda x: 0, learning_rule_type=nengo.PES(1e-3)
    )
    nengo.Connection(error, conn.learning_rule, transform=-1)


def delay_memory() -> None:
    """Voelker & Eliasmith 2018: a window of 0.1 s in 3 Legendre polynomials."""
    order, theta, tau = 3, 0.1, 0.05
    q = np.arange(order)
    scale = (2 * q + 1)[:, None] / theta
    i, j = np.meshgrid(q, q, indexing="ij")
    a = np.where(i < j, -1.0, (-1.0) ** (i - j + 1)) * scale
    b = (-1.0) ** q[:, None] * scale
    stim = nengo.Node(wave, label="stimulus")
    memory = nengo.networks.EnsembleArray(30, order, label="memory")
    nengo.Connection(stim, memory.input, transform=tau * b, synapse=tau)
    nengo.Connection(
        memory.output, memory.input, transform=tau * a + np.eye(order), synapse=tau
    )
    nengo.Probe(memory.output)


def filter_of_nodes() -> None:
    stim = nengo.Node(wave, label="stimulus")
    memory = nengo.Node(size_in=2, label="memory")
    ens = nengo.Ensemble(40, 2, label="ensemble")
    nengo.Connection(stim, memory[0], synapse=0.05)
    nengo.Connection(memory, memory, transform=[[0.9, -0.2], [0.2, 0.9]], synapse=0.05)
    nengo.Connection(memory, ens)
    nengo.Probe(ens)


def sparse() -> None:
    fixed = dict(gain=np.ones(20), bias=np.full(20, 1.5))
    a, b = (nengo.Ensemble(20, 1, label=label, **fixed) for label in "ab")
    indices = [(k, (3 * k) % 20) for k in range(20)]
    weights = nengo.Sparse((20, 20), indices=indices, init=np.ones(20) * 1e-3)
    nengo.Connection(a.neurons, b.neurons, transform=weights)


def convolution() -> None:
    conv = nengo.Convolution(3, (6, 6, 1), kernel_size=(3, 3), strides=(2, 2))
    pictures = nengo.Node(np.linspace(0, 1, 36), label="picture")
    pixels = nengo.Ensemble(36, 1, label="pixels", gain=np.ones(36), bias=np.ones(36))
    n = conv.output_shape.size
    maps = nengo.Ensemble(n, 1, label="maps", gain=np.ones(n), bias=np.full(n, 1.1))
    nengo.Connection(pictures, pixels.neurons, synapse=None)
    nengo.Connection(pixels.neurons, maps.neurons, transform=conv)


def noise() -> None:
    process = nengo.processes.WhiteNoise(seed=1)
    noisy = nengo.Ensemble(40, 1, label="noisy", noise=process)
    calm = nengo.Ensemble(40, 1, label="calm")
    stim = nengo.Node(wave, label="stimulus")
    nengo.Connection(stim, noisy)
    nengo.Connection(noisy, calm)


def processes() -> None:
    signal = nengo.processes.WhiteSignal(period=0.5, high=10, rms=0.5, seed=1)
    stim = nengo.Node(signal, label="stimulus")
    ens = nengo.Ensemble(40, 1, label="ensemble")
    nengo.Connection(stim, ens)
    nengo.Probe(ens)


def host_in_the_middle() -> None:
    stim = nengo.Node(wave, label="stimulus")
    a, b = (nengo.Ensemble(40, 1, label=label) for label in "ab")
    node = nengo.Node(lambda t, x: x**3, size_in=1, label="cube")
    nengo.Connection(stim, a)
    nengo.Connection(a, node)
    nengo.Connection(node, b)


def adapting_neurons() -> None:
    stim = nengo.Node(wave, label="stimulus")
    ens = nengo.Ensemble(40, 1, neuron_type=nengo.AdaptiveLIF(), label="adapting")
    nengo.Connection(stim, ens)
    nengo.Connection(ens, nengo.Ensemble(40, 1, label="plain"))


def rate() -> None:
    stim = nengo.Node(wave, label="stimulus")
    a = nengo.Ensemble(40, 1, neuron_type=nengo.LIFRate(), label="a")
    b = nengo.Ensemble(40, 1, label="b")
    nengo.Connection(stim, a)
    nengo.Connection(a, b)


def direct() -> None:
    stim = nengo.Node([0.5, -0.8], label="stimulus")
    ideal = nengo.Ensemble(1, 2, neuron_type=nengo.Direct(), label="ideal")
    ens = nengo.Ensemble(40, 1, label="ensemble")
    nengo.Connection(stim, ideal)
    nengo.Connection(ideal, ens, function=lambda x: x[0] * x[1])
    nengo.Connection(ens, ideal[0])


class OwnRule(nengo.learning_rules.LearningRuleType):
    """A rule that Nengo doesn't have."""

    modifies = "decoders"


def own_rule() -> None:
    pre, post = (nengo.Ensemble(20, 1, label=label) for label in ("pre", "post"))
    nengo.Connection(pre, post, learning_rule_type=OwnRule())


def loop_without_synapse() -> None:
    a, b = (nengo.Node(size_in=1, label=label) for label in "ab")
    nengo.Connection(a, b, synapse=None)
    nengo.Connection(b, a, synapse=None)


def softmax_node() -> None:
    ens = nengo.Ensemble(20, 1, label="ensemble")
    layer = import_tf_keras().layers.Softmax()
    node = import_nengo_dl().Layer(layer)(ens.neurons)
    node.label = "softmax"


def curves_alone() -> None:
    stim = nengo.Node(wave, label="stimulus")
    ens = nengo.Ensemble(40, 1, neuron_type=nengo.Tanh(), label="curve")
    nengo.Connection(stim, ens)


FAMILIES: dict[str, Callable[[], None]] = {
    "representation": representation,
    "functions": functions,
    "products": products,
    "slices of ensembles": slices,
    "integrator": integrator,
    "oscillator": oscillator,
    "Lorenz attractor": lorenz,
    "arrays": arrays,
    "circular convolution": convolution_of_vectors,
    "associative memory": associative_memory,
    "basal ganglia and thalamus": selection,
    "SPA sequence": sequence,
    "learning by PES": learning("pes_to_ensemble"),
    "PES for a node": learning("pes_to_node"),
    "PES of full weights": learning("pes_of_weights"),
    "learning by BCM": learning("bcm"),
    "learning by Oja": learning("oja"),
    "learning by Voja": learning("voja"),
    "learning by RLS": learning("rls"),
    "adaptive control": adaptive_control,
    "LMU of neurons": delay_memory,
    "filter of nodes": filter_of_nodes,
    "sparse weights": sparse,
    "convolution": convolution,
    "noise": noise,
    "processes": processes,
    "a node in the middle": host_in_the_middle,
    "adapting neurons": adapting_neurons,
    "rate neurons": rate,
    "direct ensembles": direct,
}
"""What builds each family into the network around it."""


REFUSED: dict[str, tuple[Callable[[], None], str]] = {
    "learning by RLS": (FAMILIES["learning by RLS"], "nengo-dl"),
    "a rule of your own": (own_rule, "nengo"),
    "a loop of nodes without a synapse": (loop_without_synapse, "nengo"),
    "a layer that isn't linear": (softmax_node, "nengo-dl"),
    "nothing that the chip has": (curves_alone, "loihi"),
}
"""What is refused: what builds it, and the simulator."""


@dataclass(frozen=True)
class Found:
    """What became of a family on one simulator.

    Attributes
    ----------
    simulator : str
        What ran in the end; empty where it was refused.
    on_host : tuple of str
        Ensembles that were left to Loihi's host.
    refusal : str
        Why it was refused.
    seconds : float
        Time that the refusal took.
    """

    simulator: str = ""
    on_host: tuple[str, ...] = ()
    refusal: str = ""
    seconds: float = 0.0


def family(name: str) -> nengo.Network:
    """Return the network of a family."""
    with nengo.Network(seed=2, label=name) as net:
        FAMILIES[name]()
    return net


def check(net: nengo.Network, simulator: str) -> Found:
    """Measure a network, and count its synops once more from dense matrices.

    Raises
    ------
    AssertionError
        The two differ, or nothing spiked.
    """
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            topology = ne.trace_topology(net)
            activity = ne.measure_activity(
                net, timesteps=STEPS, simulator=simulator, topology=topology
            )
        except ne.UnsupportedError as error:
            return Found(refusal=str(error), seconds=time.perf_counter() - start)
        fan_out = dense_fan_out(net)
        again = run_step_by_step(net, STEPS) if simulator == "nengo" else {}
    spikes = {
        p.ensemble: activity.populations[p.name].spikes for p in topology.populations
    }
    assert sum(count.sum() for count in spikes.values()) > 0, "nothing spiked"
    for ensemble, count in again.items():
        np.testing.assert_allclose(spikes[ensemble], count, rtol=1e-9, atol=1e-9)
    expected = sum(
        n_synapses @ spikes[ensemble]
        for ensemble, of_ensemble in fan_out.items()
        for n_synapses in of_ensemble
    )
    total = ne.count_ops(topology, activity).total("synop")
    if all(pop.spiking for pop in topology.populations):
        assert total == expected, (net.label, total, expected)
    else:
        np.testing.assert_allclose(total, expected, rtol=1e-9)
    texts = [a.text for a in activity.assumptions if a.code == "left-to-host"]
    named = re.findall(r"ensemble '(\w+)'.*?: runs on the host", "".join(texts))
    on_host = list(dict.fromkeys(named))
    return Found(activity.simulator, tuple(on_host))


def table(found: dict[str, dict[str, Found]]) -> str:
    """Return the table of the page: a row for each family."""
    rows = [
        "| family | neurons | synapses | Nengo | NengoDL | compiled | Loihi |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, on in found.items():
        topology = ne.trace_topology(family(name))
        words = [_words(on[simulator], simulator) for simulator in SIMULATORS]
        sizes = [f"{topology.n_neurons:,}", f"{topology.n_synapses:,}"]
        rows.append(f"| {' | '.join([name, *sizes, *words])} |")
    return "\n".join(rows)


def _words(found: Found, asked: str) -> str:
    if found.refusal:
        return "refused"
    if found.on_host:
        return f"yes; on the host: {', '.join(found.on_host)}"
    names = {"nengo": "Nengo runs", "nengo-dl": "NengoDL runs"}
    return "yes" if found.simulator == asked else names[found.simulator]


def shares(found: dict[str, dict[str, Found]]) -> str:
    """Return how many families each simulator takes."""
    words = {"nengo": "Nengo", "nengo-dl": "NengoDL", "loihi": "Loihi's emulator"}
    taken = [
        f"{sum(not on[simulator].refusal for on in found.values())} on {word}"
        for simulator, word in words.items()
    ]
    return f"Of {len(found)} families, {taken[0]}, {taken[1]} and {taken[2]}."


def refused() -> dict[str, Found]:
    """Return what is said of each network that is refused."""
    found = {}
    for name, (build, simulator) in REFUSED.items():
        with nengo.Network(seed=2) as net:
            build()
        found[name] = check(net, simulator)
    return found


def refusals(found: dict[str, dict[str, Found]]) -> str:
    """Return a row for each network that is refused, with what is said."""
    rows = ["| network | simulator | what the error says |", "|---|---|---|"]
    for name, one in refused().items():
        rows.append(f"| {name} | `{REFUSED[name][1]}` | {one.refusal} |")
    return "\n".join(rows)


def measured(names: Iterable[str] = FAMILIES) -> dict[str, dict[str, Found]]:
    """Return what becomes of families on each simulator."""
    return {
        name: {simulator: check(family(name), simulator) for simulator in SIMULATORS}
        for name in names
    }


def fresh(text: str, found: dict[str, dict[str, Found]]) -> str:
    """Return the page with its tables written anew."""
    parts = {"families": table, "shares": shares, "refusals": refusals}
    return PARTS.sub(lambda part: f"{part[1]}{parts[part[2]](found)}\n{part[4]}", text)


if __name__ == "__main__":
    PAGE.write_text(fresh(PAGE.read_text("utf-8"), measured()), "utf-8")
