"""The conventional network, quantised, on hardware like that of the spiking one.

Layer by layer, and with the spikes below which a layer pays.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Collection

from .. import devices as registry
from ..common.checks import check_count
from ..common.exceptions import InputError
from ..common.shown import Shown
from ..common.sums import sum_by_key
from ..common.tables import NOTHING, format_bullets, format_si, format_table, wrap
from ..counts import OpCounts
from ..devices import Device
from ..devices.fields import BYTES
from ..estimates.estimate import DeviceLike
from .memory import STATE_WORDS, WORD_BYTES

if TYPE_CHECKING:
    import pandas

SPIKING, DENSE = "cmos45-spiking@int8-sram-32k", "cmos45@int8-sram-32k"
"""The default pair: additions and multiply-accumulates of one process, one memory."""

PRICED_BITS = 8
"""Width of the numbers that prices of multiply-accumulates are for."""


@dataclass(frozen=True)
class Duel:
    """One layer in both networks, per inference.

    Attributes
    ----------
    layer : str
        Its name in the Keras model.
    spiking, dense, dense_no_reuse : float
        Energy of the spiking network; of the conventional one if each weight, input and
        output is moved once, and if weight and input of each multiply-accumulate are
        read anew [J].
    spikes : float
        Spikes per synapse: of the neurons that feed the layer, by their fan-out.
    crossover, crossover_no_reuse : float
        Spikes per synapse below which the spiking layer takes less than either; 0 where
        its neurons alone take more.
    """

    layer: str
    spiking: float
    dense: float
    dense_no_reuse: float
    spikes: float
    crossover: float
    crossover_no_reuse: float

    @property
    def pays(self) -> bool:
        """Whether the spiking layer takes less than one that reuses all."""
        return self.spiking < self.dense

    def __str__(self) -> str:
        verb = "pays" if self.pays else "would pay"
        if not self.crossover:
            return f"{self.layer}: its neurons alone take more than the dense layer"
        return (
            f"{self.layer} {verb} below {self.crossover:.2g} spikes per synapse and "
            f"inference ({self.crossover_no_reuse:.2g} if the dense layer reuses "
            f"nothing); it has {self.spikes:.2g}"
        )


@dataclass(frozen=True, repr=False)
class FairOpponent(Shown):
    """Both networks layer by layer; see `fair_opponent`.

    Attributes
    ----------
    rows : tuple of Duel
        Layers that spikes drive, in the order of the network.
    spiking, dense : str
        The devices.
    weight_bits, activation_bits, state_bits : int
        Widths of the numbers.
    left_out : tuple of str
        Layers of the conventional network that no spikes drive, as their input is
        analog.
    """

    rows: tuple[Duel, ...]
    spiking: str
    dense: str
    weight_bits: int
    activation_bits: int
    state_bits: int
    left_out: tuple[str, ...] = ()

    def to_frame(self) -> pandas.DataFrame:
        """Return one row per layer, in SI units."""
        import pandas as pd

        names = [f.name for f in fields(Duel)]
        return pd.DataFrame({n: [getattr(r, n) for r in self.rows] for n in names})

    def __str__(self) -> str:
        header = ["layer", "spiking", "dense", "no reuse", "spikes/synapse"]
        header += ["crossover", "no reuse"]
        energies = ("spiking", "dense", "dense_no_reuse")
        body = [
            [
                row.layer,
                *(format_si(getattr(row, name), "J") for name in energies),
                *(
                    f"{x:.3g}" if x else NOTHING
                    for x in (row.spikes, row.crossover, row.crossover_no_reuse)
                ),
            ]
            for row in self.rows
        ]
        sums = [sum(getattr(row, name) for row in self.rows) for name in energies]
        total = ["total", *(format_si(x, "J") for x in sums), *[NOTHING] * 3]
        title = (
            f"Per inference: {self.spiking} beside {self.dense}, weights of "
            f"{self.weight_bits} bits, activations {self.activation_bits}, states "
            f"{self.state_bits}"
        )
        blocks = [
            wrap(title),
            format_table([header], body, [total]),
        ]
        blocks.append(format_bullets("Layers", map(str, self.rows)))
        if self.left_out:
            names = ", ".join(self.left_out)
            blocks.append(f"Not compared, as no spikes drive them: {names}.")
        return "\n\n".join(blocks)


def fair_opponent(
    counts: OpCounts,
    spiking: DeviceLike = SPIKING,
    dense: DeviceLike = DENSE,
    *,
    weight_bits: int = 8,
    activation_bits: int = 8,
    state_bits: int = 16,
) -> FairOpponent:
    """Put the quantised conventional network beside the spiking one, layer by layer.

    Spiking layer: synops x (addition + weight read + state read and written) + neuron
    updates x (update + state read and written). Dense layer: multiply-accumulates +
    weights, inputs and outputs moved once; without reuse, a weight and an input for
    each multiply-accumulate [1]_ [2]_ [3]_. Energy of multiply-accumulates is taken to
    go with the product of both widths, as 8 and 32 bits do in [4]_. Spikes at which
    both are equal follow, as synops are proportional to spikes.

    Parameters
    ----------
    counts : OpCounts
        Of both networks, from `nengo_energy.SpikingModel.count`.
    spiking : str or Device
        Event-driven device; where it prices no bytes, its synops hold the memory.
    dense : str or Device
        Dense device of the same process that prices ``mac``.
    weight_bits, activation_bits, state_bits : int
        Widths of weights, of the conventional network's activations, and of the spiking
        network's states.

    Returns
    -------
    FairOpponent
        Printing it gives a table and a sentence for each layer.

    Raises
    ------
    InputError
        If the counts lack a network or its synapses, or a device has the wrong kind.

    Examples
    --------
    >>> activity = snn.measure(x, timesteps=50)  # doctest: +SKIP
    >>> print(ne.fair_opponent(snn.count(activity)))  # doctest: +SKIP

    References
    ----------
    .. [1] M. Dampfhoffer, T. Mesquida, A. Valentian, L. Anghel, "Are SNNs really more
       energy-efficient than ANNs? An in-depth hardware-aware study", IEEE TETCI 7
       (2023) 731-741: a crossover of 0.15 to 1.38 spikes per synapse and inference.
    .. [2] Z. Yan, Z. Bai, W.-F. Wong, "Reconsidering the energy efficiency of spiking
       neural networks", 2024, arXiv:2409.08290.
    .. [3] E. Lemaire et al., "An analytical estimation of spiking neural networks
       energy efficiency", ICONIP 2022, arXiv:2210.13107.
    .. [4] M. Horowitz, "Computing's energy problem (and what we can do about it)",
       ISSCC 2014: 0.2 and 3.1 pJ a multiplication of 8 and 32 bits.
    """
    bits = {
        "weight_byte": check_count("weight_bits", weight_bits),
        "activation_byte": check_count("activation_bits", activation_bits),
        "state_byte": check_count("state_bits", state_bits),
    }
    event, conventional = _device(spiking, "event"), _device(dense, "dense")
    _check_counts(counts)
    word = {name: n / 8 for name, n in bits.items()}  # bytes of a number
    moves = {
        device.kind: {name: word[name] * _price(device, name) for name in BYTES}
        for device in (event, conventional)
    }
    product = weight_bits * activation_bits / PRICED_BITS**2
    state = STATE_WORDS * moves["event"]["state_byte"]
    per_synop = _price(event, "synop") + moves["event"]["weight_byte"] + state
    owner = _owners(counts)
    rows = []
    for layer in dict.fromkeys(owner.values()):
        n_synapses = counts.synapses.get(layer, 0)
        does = _operations(counts, "event", [k for k, v in owner.items() if v == layer])
        theirs = _operations(counts, "dense", [layer])
        macs = theirs.get("mac", 0.0)
        if not n_synapses or not macs:
            continue
        neurons = sum(
            n * (_price(event, name) + state)
            for name, n in does.items()
            if name.startswith("neuron_update")
        )
        arithmetic = macs * product * _price(conventional, "mac")
        arithmetic += theirs.get("addition", 0.0) * _price(conventional, "addition")
        once = arithmetic + sum(
            theirs.get(name, 0.0) / WORD_BYTES * moves["dense"][name] for name in BYTES
        )
        each = arithmetic + macs * sum(moves["dense"][name] for name in BYTES)
        synops = does.get("synop", 0.0)
        limits = [max(0.0, e - neurons) / n_synapses / per_synop for e in (once, each)]
        rows.append(
            Duel(
                layer=layer,
                spiking=synops * per_synop + neurons,
                dense=once,
                dense_no_reuse=each,
                spikes=synops / n_synapses,
                crossover=limits[0],
                crossover_no_reuse=limits[1],
            )
        )
    compared = {row.layer for row in rows}
    left_out = (r.layer for r in counts.select("dense") if r.operation == "mac")
    return FairOpponent(
        tuple(rows),
        event.name,
        conventional.name,
        weight_bits,
        activation_bits,
        state_bits,
        tuple(dict.fromkeys(name for name in left_out if name not in compared)),
    )


def _owners(counts: OpCounts) -> dict[str, str]:
    """Return the layer with weights that neurons of each layer belong to.

    Those of an activation layer belong to the weights before it.
    """
    weighted = {row.layer for row in counts.select("dense") if row.operation == "mac"}
    weighted.update(counts.synapses)
    owner, found = "", dict[str, str]()
    for row in counts.rows:
        if row.execution == "event":
            owner = row.layer if row.layer in weighted else owner
            found.setdefault(row.layer, owner)
    return found


def _operations(
    counts: OpCounts, execution: str, layers: Collection[str]
) -> dict[str, float]:
    """Return how often layers do each operation on the device per inference."""
    return sum_by_key(
        (row.operation, row.mean)
        for row in counts.select(execution)
        if row.layer in layers
    )


def _price(device: Device, operation: str) -> float:
    price = device.energy_of(operation)
    return 0.0 if price is None else price.value


def _device(device: DeviceLike, kind: str) -> Device:
    model = device if isinstance(device, Device) else registry.get(device)
    wanted = {"event": "synop", "dense": "mac"}[kind]
    if model.kind != kind or wanted not in model.energies:
        raise InputError(
            f"device {model.name!r} must be of kind {kind!r} and price {wanted}; it is "
            f"{model.kind!r} and prices {', '.join(model.energies) or 'nothing'}"
        )
    return model


def _check_counts(counts: OpCounts) -> None:
    if not counts.synapses or not counts.select("dense"):
        raise InputError(
            "counts must hold both networks and the spiking one's synapses, as those "
            "of SpikingModel.count do; for a network of your own pass layer_ops= to "
            "count_ops"
        )
