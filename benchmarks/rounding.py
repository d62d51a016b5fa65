"""Where a spike of ours differs from NengoDL's: is the voltage at the threshold?

Of a network of ``peers.py``, finds the first spike in time that one of both has and
the other hasn't, and computes that neuron's voltage in double precision from the spikes
of the layer before it, on which both agree. Both compute in single precision: where it
is within a few of its units in the last place (ulp) of the threshold, they round
otherwise.

    python benchmarks/rounding.py cifar
"""

from __future__ import annotations

import argparse
import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from peers import DT, KEEP, NETWORKS, SCALE, TIMESTEPS, Case, convert

ULP = float(np.spacing(np.float32(1)))
"""Unit in the last place of the threshold, in single precision."""


def trains(snn: Any, images: np.ndarray, simulator: str) -> tuple[list[Any], list[Any]]:
    """Return spikes of each layer: in each timestep summed over images,
    (TIMESTEPS, n_neurons), and of each image summed over time, (n_images, n_neurons).
    """
    totals: list[dict[str, np.ndarray]] = []
    activities = snn.measure_at(
        images,
        range(1, TIMESTEPS + 1),
        simulator=simulator,
        on_batch=lambda start, spikes: totals.append(dict(spikes)),
        progress=False,
    )
    names = list(activities[0].populations)
    by_step = [
        np.diff([a.populations[n].spikes for a in activities], axis=0, prepend=0)
        for n in names
    ]
    return by_step, [np.concatenate([t[n] for t in totals]) for n in names]


def voltages(case: Case, layer: int, neuron: int, before: np.ndarray) -> np.ndarray:
    """Return a neuron's voltage in each timestep before it is compared, in double.

    Parameters
    ----------
    case : Case
        Has the weights.
    layer, neuron : int
        Which neuron.
    before : (TIMESTEPS, height, width, n_channels) ndarray
        What the layer before puts out: the image, or its spikes.
    """
    kernel, bias = case.weights[2 * layer].astype(float), case.weights[2 * layer + 1]
    _, stride, padding = case.convolutions[layer]
    size = before.shape[1]
    n_out = -(-size // stride) if padding == "same" else (size - 3) // stride + 1
    pad = max((n_out - 1) * stride + 3 - size, 0) if padding == "same" else 0
    y, x, channel = np.unravel_index(neuron, (n_out, n_out, kernel.shape[3]))
    sides = (pad // 2, pad - pad // 2)
    rows, columns = (slice(k * stride, k * stride + 3) for k in (y, x))
    seen = np.pad(before, ((0, 0), sides, sides, (0, 0)))[:, rows, columns]
    weighted = np.einsum("tyxc,yxc->t", seen, kernel[..., channel])
    if layer > 0:
        held = np.zeros(TIMESTEPS)
        for t in range(TIMESTEPS - 1):  # the filter delays by a timestep
            held[t + 1] = KEEP * held[t] + (1 - KEEP) * weighted[t] / (SCALE * DT)
        weighted = held
    drive, v = SCALE * (weighted + float(bias[channel])) * DT, 0.0
    found = []
    for step in drive:
        found.append(v + step)
        v = 0.0 if found[-1] > 1 else max(found[-1], 0.0)
    return np.array(found)


def explain(name: str) -> str:
    """Return what is to be said of the first spike that differs, in a line."""
    case = Case(name)
    snn = convert(case)
    ours, of_images = trains(snn, case.images, "compiled")
    theirs, of_their_images = trains(snn, case.images, "nengo-dl")
    differ = [
        (step, layer, neuron)
        for layer, (a, b) in enumerate(zip(ours, theirs))
        for step, neuron in np.argwhere(a != b)
    ]
    if not differ:
        return f"{name}: no spike differs from NengoDL's"
    step, layer, neuron = min(differ)
    counts, theirs = of_images[layer], of_their_images[layer]
    found = []
    for image in np.flatnonzero(counts[:, neuron] != theirs[:, neuron]):
        voltage, agreed = seen_alone(case, snn, int(image), layer, neuron, step)
        found.append((abs(voltage - 1), image, voltage, agreed))
    if not found:
        return f"{name}: {len(differ)} spikes differ in time, and no count does"
    _, image, voltage, agreed = min(found)
    return (
        f"{name}: the first of {len(differ)} differences from NengoDL, in image "
        f"{image}, layer {layer + 1}, neuron {neuron}, timestep {step + 1}: voltage 1 "
        f"{voltage - 1:+.2e} in double precision, {(voltage - 1) / ULP:+.2f} ulp of "
        f"single precision from the threshold; the {step} timesteps before are "
        f"{'' if agreed else 'not '}as in single precision"
    )


def seen_alone(
    case: Case, snn: Any, image: int, layer: int, neuron: int, step: int
) -> tuple[float, bool]:
    """Return a neuron's voltage in a timestep, and whether it spikes before that as it
    does in single precision."""
    ours, _ = trains(snn, case.images[image : image + 1], "compiled")
    if layer == 0:
        x = case.images[image].astype(float)
        before = np.broadcast_to(x, (TIMESTEPS, *case.shape))
    else:
        shape = snn.clone.model.layers[layer + 1].input_shape[1:]
        before = ours[layer - 1].reshape(TIMESTEPS, *shape).astype(float)
    voltage = voltages(case, layer, neuron, before)
    wanted = ours[layer][:step, neuron] > 0
    return float(voltage[step]), bool(np.array_equal(voltage[:step] > 1, wanted))


def main() -> None:
    """Explain the first difference on each network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=[*NETWORKS], metavar="NETWORK")
    for name in parser.parse_args().networks:
        print(explain(name), flush=True)


if __name__ == "__main__":
    main()
