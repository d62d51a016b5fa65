"""Networks of other frameworks by NIR: spikes compared, energy, ledger.

snnTorch, sinabs, Norse and Spyx export them. Spyx's neurons spike a timestep after they
reach their threshold, so that each of its layers is compared as much later.

Each network is made and run in its framework, exported, read by ``ne.from_nir`` and run
again; all spikes of all layers are compared, timestep by timestep. Frameworks that
aren't installed are skipped by name; to install them:
``pip install "nengo-energy[peers]" norse spyx``.

    python benchmarks/nir_networks.py
    python benchmarks/nir_networks.py --export tests/conversion/nir_graphs/data
    python benchmarks/nir_networks.py --read tests/conversion/nir_graphs/data

The second writes what tests read, the third needs no framework.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
from pathlib import Path
from typing import Any, Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

TIMESTEPS, N_INFERENCES = 60, 3


def snntorch_options() -> dict[str, Any]:
    """Return options of neurons that reset as NIR's do: at once, to zero."""
    return {"init_hidden": True, "reset_mechanism": "zero", "reset_delay": False}


def recurrent() -> tuple[Any, Any, tuple[int, ...]]:
    """Make a recurrent network of snnTorch: 10 - 24 (recurrent) - 5."""
    import snntorch
    import torch

    options = snntorch_options()
    decay = torch.full((24,), 0.9)
    hidden = snntorch.RLeaky(decay, torch.ones(24), linear_features=24, **options)
    net = torch.nn.Sequential(
        torch.nn.Linear(10, 24),
        hidden,
        torch.nn.Linear(24, 5),
        snntorch.Leaky(torch.full((5,), 0.8), torch.ones(5) / 2, **options),
    )
    return net, {"1": "1.lif", "3": "3"}, (10,)


def cuba() -> tuple[Any, Any, tuple[int, ...]]:
    """Make a network of snnTorch with synaptic currents: 10 - 20 - 5."""
    import snntorch
    import torch

    options = snntorch_options()

    def neurons(n: int, alpha: float, beta: float, threshold: float) -> Any:
        each = (torch.full((n,), value) for value in (alpha, beta, threshold))
        return snntorch.Synaptic(*each, **options)

    net = torch.nn.Sequential(
        torch.nn.Linear(10, 20),
        neurons(20, 0.8, 0.9, 2.0),
        torch.nn.Linear(20, 5, bias=False),
        neurons(5, 0.6, 0.8, 1.0),
    )
    return net, {"1": "1", "3": "3"}, (10,)


def convolutional() -> tuple[Any, Any, tuple[int, ...]]:
    """Make a convolutional network of sinabs: padding, stride, groups, sum pooling."""
    import sinabs
    import sinabs.layers
    import torch

    def neurons() -> Any:
        return sinabs.layers.IAFSqueeze(
            batch_size=1,
            spike_threshold=torch.tensor(1.0),
            spike_fn=sinabs.activation.SingleSpike,
            reset_fn=sinabs.activation.MembraneReset(),
            min_v_mem=None,
        )

    net = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3, padding=1, bias=False),
        neurons(),
        sinabs.layers.SumPool2d(2),
        torch.nn.Conv2d(4, 6, 3, stride=2, groups=2),
        neurons(),
        torch.nn.Flatten(),
        torch.nn.Linear(54, 5, bias=False),
        neurons(),
    )
    return net, {"1": "1", "4": "4", "7": "7"}, (2, 14, 14)


def leaky() -> tuple[Any, Any, tuple[int, ...]]:
    """Make a network of Norse without synaptic currents: 10 - 24 - 5."""
    import norse.torch
    import torch

    def neurons(n: int, tau: float) -> Any:
        rate, threshold = torch.full((n,), 1 / tau), torch.full((n,), 0.5)
        zero = torch.zeros(n)
        parameters = norse.torch.LIFBoxParameters(rate, zero, threshold, zero)
        return norse.torch.LIFBoxCell(p=parameters)

    net = norse.torch.SequentialState(
        torch.nn.Linear(10, 24),
        neurons(24, 0.01),
        torch.nn.Linear(24, 5),
        neurons(5, 0.02),
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter *= 10
    return net, {"1": "1", "3": "3"}, (10,)


def integrating() -> tuple[Any, Any, tuple[int, ...]]:
    """Make a network of Spyx whose neurons don't leak: 10 - 24 - 5."""
    import spyx.nn
    from flax import nnx

    options = {"use_bias": False, "rngs": nnx.Rngs(0)}
    net = nnx.Sequential(
        nnx.Linear(10, 24, **options),
        spyx.nn.IF((24,)),
        nnx.Linear(24, 5, **options),
        spyx.nn.IF((5,)),
    )
    return net, {"1": "layer_1", "3": "layer_3"}, (10,)


NETWORKS: dict[str, tuple[str, Callable[[], Any], dict[str, Any]]] = {
    "recurrent": ("snntorch", recurrent, {}),
    "cuba": ("snntorch", cuba, {}),
    "convolutional": ("sinabs", convolutional, {"dt": 1e-3, "time_unit": 1e-3}),
    "leaky": ("norse", leaky, {"dt": 1e-3}),
    "integrating": (
        *("spyx", integrating),
        {"dt": 1e-3, "time_unit": 1e-3, "reset": "subtraction"},
    ),
}
"""Framework, network, and what NIR doesn't say of it."""

LATE = {"spyx": {"layer_1": 1, "layer_3": 2}}
"""Timesteps by which spikes of a framework's layers come after those of NIR's."""


def export(name: str, folder: Path) -> None:
    """Run a network in its framework, and write it with its spikes."""
    import nir
    import torch

    framework, make, options = NETWORKS[name]
    torch.manual_seed(1)
    net, layers, shape = make()
    with torch.no_grad():
        for parameter in () if framework == "spyx" else net.parameters():
            parameter *= 3
        rng = np.random.RandomState(0)
        size = (N_INFERENCES, TIMESTEPS, *shape)
        x = (rng.uniform(size=size) < 0.3).astype("f4")
        spikes = {key: run(net, x, int(key), framework) for key in layers}
        graph = to_nir(net, torch.from_numpy(x), framework)
    nir.write(str(folder / f"{name}.nir"), graph)
    versions = {
        package: importlib.import_module(package).__version__
        for package in (framework, "nirtorch", "nir")
        if hasattr(importlib.import_module(package), "__version__")
    }
    arrays = {f"spikes {layers[key]}": found for key, found in spikes.items()}
    about = {
        "framework": framework,
        "versions": versions,
        "options": options,
        "late": LATE.get(framework, {}),
    }
    np.savez_compressed(
        folder / f"{name}.npz", x=x.astype("u1"), about=json.dumps(about), **arrays
    )


def run(net: Any, x: np.ndarray, layer: int, framework: str) -> np.ndarray:
    """Return the spikes of a layer, (n_inferences, timesteps, ...) uint8 ndarray."""
    import torch

    if framework in ("norse", "spyx"):
        return step_by_step(net, x, layer, framework)
    front = net[: layer + 1]
    found = []
    for example in torch.from_numpy(x):
        reset(front)
        if framework == "sinabs":
            spikes = front(example)
        else:
            spikes = torch.stack([front(row[None])[0] for row in example])
        found.append(spikes.numpy())
    return np.stack(found).astype("u1")


def step_by_step(net: Any, x: np.ndarray, layer: int, framework: str) -> np.ndarray:
    """Return the spikes of a layer, where neurons are handed their state."""
    import torch

    modules = list(net.layers if framework == "spyx" else net.children())[: layer + 1]
    found = np.zeros((*x.shape[:2], 0))
    for k, example in enumerate(x):
        states = [
            m.initial_state(1) if hasattr(m, "initial_state") else None for m in modules
        ]
        for t, row in enumerate(example):
            value = row[None] if framework == "spyx" else torch.from_numpy(row[None])
            for i, module in enumerate(modules):
                if "Linear" in type(module).__name__:
                    value = module(value)
                else:
                    value, states[i] = module(value, states[i])
            spikes = np.asarray(value)[0]
            if not found.size:
                found = np.zeros((*x.shape[:2], len(spikes)))
            found[k, t] = spikes
    return found.astype("u1")


def reset(net: Any) -> None:
    """Forget the state of all neurons."""
    for module in net:
        if hasattr(module, "reset_states"):
            module.reset_states()
        elif hasattr(module, "reset_mem"):
            module.reset_mem()


def to_nir(net: Any, x: Any, framework: str) -> Any:
    """Export a network by its framework's own exporter."""
    if framework == "spyx":
        import spyx.nir

        sizes = {"input": np.array([10])}, {"output": np.array([5])}
        return spyx.nir.to_nir(net, *sizes)
    if framework == "norse":
        from norse.torch.utils.export_nir import to_nir as export_norse

        return export_norse(net, x[0, 0], dt=1)  # with another, times are no seconds
    reset(net)
    if framework == "sinabs":
        import sinabs.nir

        return sinabs.nir.to_nir(net, x[0])
    from snntorch.export_nir import export_to_nir

    return export_to_nir(net, x[0, :1], ignore_dims=[0])


def compare(name: str, folder: Path) -> None:
    """Run what was exported, compare its spikes, and print what it costs."""
    import nengo

    import nengo_energy as ne

    with np.load(folder / f"{name}.npz") as stored:
        arrays = dict(stored)
    about = json.loads(str(arrays.pop("about")))
    x = arrays.pop("x").astype(float)
    model = ne.from_nir(folder / f"{name}.nir", inputs="spikes", **about["options"])
    with model.network:
        probes = {key: nengo.Probe(model.layers[key[7:]]) for key in arrays}
    versions = ", ".join(f"{k} {v}" for k, v in about["versions"].items())
    print(f"## {name}: {about['framework']} ({versions})\n")
    with nengo.Simulator(model.network, dt=model.dt, progress_bar=False) as sim:
        (node,) = model.inputs.values()
        found: dict[str, list[np.ndarray]] = {key: [] for key in arrays}
        for example in x:
            sim.reset()
            for row in example:
                sim.signals[sim.model.sig[node]["out"]].setflags(write=True)
                sim.signals[sim.model.sig[node]["out"]][...] = row.ravel()
                sim.step()
            for key, probe in probes.items():
                found[key].append(sim.data[probe].copy())
    for key, expected in arrays.items():
        spikes = np.stack(found[key]).reshape(expected.shape)
        late = about.get("late", {}).get(key[7:], 0)
        differ = int(np.sum(spikes[:, : len(spikes[0]) - late] != expected[:, late:]))
        words = f", {late} timesteps later" if late else ""
        print(f"{key}: {expected.sum()} in {expected.size}, {differ} differ{words}")
    activity = model.measure(x)
    print(f"\n{activity}\n\n{model.estimate(activity)}\n")
    try:
        print(f"{model.ledger(x, x.shape[1])}\n")
    except ne.NengoEnergyError as error:
        print(f"no ledger: {error}\n")


def main() -> None:
    """Export what can be exported, and compare it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--export", type=Path, metavar="FOLDER")
    parser.add_argument("--read", type=Path, metavar="FOLDER")
    parser.add_argument("--folder", type=Path, default=Path("nir_networks"))
    options = parser.parse_args()
    folder = options.export or options.read or options.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, (framework, _, _) in NETWORKS.items():
        if options.read is None:
            try:
                export(name, folder)
            except ModuleNotFoundError as error:
                print(f"{name} is skipped: {framework} needs {error.name!r}")
                continue
        if options.export is None:
            compare(name, folder)


if __name__ == "__main__":
    main()
