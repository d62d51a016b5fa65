"""Read what NengoLoihi built: blocks, the axons between them, and what they cost.

The image holds numbers and Nengo's objects, and none of NengoLoihi's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import nengo
import numpy as np

from ..common.exceptions import UnsupportedError
from .loihi import import_nengo_loihi

_OWNERS: WeakKeyDictionary[Any, list[nengo.Connection]] = WeakKeyDictionary()


@dataclass(frozen=True)
class BlockImage:
    """One block, which takes a core.

    Attributes
    ----------
    ensemble : nengo.Ensemble
        The ensemble that it is a part of.
    neurons : (n,) int ndarray
        Which neurons of the ensemble its compartments are.
    in_axons, out_axons, synapse_bits : int
        What it takes of its core.
    lost_bits : int
        Bits of the weights' eight that were given up so that threshold and biases fit.
    is_read : bool
        Whether the host reads its spikes.
    """

    ensemble: nengo.Ensemble
    neurons: np.ndarray = field(repr=False)
    in_axons: int
    out_axons: int
    synapse_bits: int
    lost_bits: int
    is_read: bool


@dataclass(frozen=True)
class AxonImage:
    """What spikes of one block, or of one input, do in one block.

    Attributes
    ----------
    connection : nengo.Connection
        The connection that the weights belong to.
    source : int
        Number of the block, or of the input.
    from_host : bool
        Whether the source is an input.
    target : int
        Number of the block that holds the weights.
    leads : (n_units,) bool ndarray
        Whether a spike of each unit of the source is sent here.
    weights, zeros : (n_units,) int64 ndarray
        Weights that a spike of each unit reads here, and how many of them are zero.
    form : str
        How they are stored, one of `counts.FORMS` of a synop.
    """

    connection: nengo.Connection
    source: int
    from_host: bool
    target: int
    leads: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)
    zeros: np.ndarray = field(repr=False)
    form: str


@dataclass(frozen=True)
class ChipImage:
    """What NengoLoihi built of a network.

    Attributes
    ----------
    blocks : tuple of BlockImage
        In the order of the emulator's compartments.
    inputs : tuple of nengo.Connection
        Connections by which the host sends spikes.
    input_sizes : tuple of int
        Units of each.
    axons : tuple of AxonImage
        All ways of spikes.
    chip_of, core_of : tuple of int
        Chip of each block, and core on it, as the allocator put them.
    """

    blocks: tuple[BlockImage, ...]
    inputs: tuple[nengo.Connection, ...]
    input_sizes: tuple[int, ...]
    axons: tuple[AxonImage, ...]
    chip_of: tuple[int, ...]
    core_of: tuple[int, ...]


def note_owners(model: Any) -> None:
    """Let a model that will be built note which connection synapses and inputs are of.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
        Empty yet.
    """
    owners: list[nengo.Connection] = []
    _OWNERS[model] = owners
    seen: set[Any] = set()
    callback = model.build_callback

    def note(obj: Any) -> None:
        if callback is not None:
            callback(obj)
        if not isinstance(obj, nengo.Connection):
            return
        new = [s for block in model.blocks for s in block.synapses if s not in seen]
        new += [i for i in model.inputs if i not in seen]
        for part in new:
            # pieces that a split makes of synapses keep their label, and add to it
            part.label = f"{len(owners)}: {obj.label}"
        seen.update(new)
        owners.append(obj)

    model.build_callback = note


def read_image(sim: Any, allocator: Any, n_chips: int) -> ChipImage:
    """Read what was built for a simulator.

    Parameters
    ----------
    sim : nengo_loihi.Simulator
        Opened by `nengo_energy.compat.emulator.open_emulator`.
    allocator : nengo_loihi.hardware.allocators.Allocator
        Puts the blocks on cores.
    n_chips : int
        Number of chips it may use.
    """
    import_nengo_loihi()
    model = sim.model
    owners = _OWNERS[model]
    blocks = list(model.blocks)
    number = {block: k for k, block in enumerate(blocks)}
    home = {synapse: k for k, b in enumerate(blocks) for synapse in b.synapses}
    ensembles = _ensembles(model)
    read = {block for probe in model.probes for block in probe.target}
    sources = [(k, b.n_neurons, b.axons, False) for k, b in enumerate(blocks)]
    sources += [(k, i.n_neurons, i.axons, True) for k, i in enumerate(model.inputs)]
    profiles = {synapse: _profile(synapse) for synapse in home}
    axons = tuple(
        AxonImage(
            _owner(axon.target, owners),
            k,
            from_host,
            home[axon.target],
            *_reads(axon, n_units, *profiles[axon.target]),
            _form(axon.target),
        )
        for k, n_units, group, from_host in sources
        for axon in group
    )
    images = []
    for block in blocks:
        use = {name: int(value) for name, (value, _) in block.utilization().items()}
        images.append(
            BlockImage(
                ensemble=ensembles[block],
                neurons=np.asarray(list(model.block_comp_map[block])),
                in_axons=use["in-axons"],
                out_axons=use["out-axons"],
                synapse_bits=use["synapses"],
                lost_bits=max(
                    [_lost_bits(s.synapse_cfg) for s in block.synapses], default=0
                ),
                is_read=block in read,
            )
        )
    chip_of, core_of = _places(allocator(model, n_chips), number)
    return ChipImage(
        blocks=tuple(images),
        inputs=tuple(_owner(i, owners) for i in model.inputs),
        input_sizes=tuple(i.n_neurons for i in model.inputs),
        axons=axons,
        chip_of=chip_of,
        core_of=core_of,
    )


def _ensembles(model: Any) -> dict[Any, nengo.Ensemble]:
    found = {}
    for obj, parts in model.objs.items():
        if isinstance(obj, nengo.Ensemble):
            blocks = parts["out"] if isinstance(parts["out"], list) else [parts["out"]]
            found.update({block: obj for block in blocks})
    return found


def _owner(part: Any, owners: list[nengo.Connection]) -> nengo.Connection:
    if part.label is None or not part.label[0].isdigit():
        raise UnsupportedError(
            "the network holds what isn't a connection between neurons; build it by "
            "loihi_network()"
        )
    return owners[int(part.label.partition(":")[0])]


def _profile(synapse: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weights and zeros by (axon, atom), and which axons lead anywhere."""
    weights = synapse.weights
    n_atoms = weights[0].shape[0]
    sizes = np.array([w.shape[1] for w in weights])
    zeros = np.array([(w == 0).sum(axis=1) for w in weights]).reshape(-1, n_atoms)
    which = synapse.axon_to_weight_map
    which = np.arange(synapse.n_axons) if which is None else np.asarray(which)
    bases = synapse.axon_compartment_bases
    used = np.ones(synapse.n_axons, bool) if bases is None else np.asarray(bases) >= 0
    used = used & (sizes[which] > 0)
    return sizes[which], zeros[which], used


def _form(synapse: Any) -> str:
    """Return how weights are stored: shared by axons, with or without indices."""
    if synapse.axon_to_weight_map is not None:
        return "convolution"
    return "sparse" if synapse.synapse_cfg.compression == 0 else "dense"


def _reads(
    axon: Any, n_units: int, sizes: np.ndarray, zeros: np.ndarray, used: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where spikes of each unit lead, and the weights and zeros they read."""
    units = np.arange(n_units)
    target = np.asarray(axon.map_axon(units))
    atom = np.asarray(axon.map_atoms(units))
    leads = (target >= 0) & used[target]
    reads = np.where(leads, sizes[target], 0).astype(np.int64)
    return leads, reads, np.where(leads, zeros[target, atom], 0).astype(np.int64)


def _lost_bits(config: Any) -> int:
    if config.weight_exp is None:
        return 0
    return max(0, -(config.shift_bits + config.weight_exp))


def _places(board: Any, number: dict[Any, int]) -> tuple[tuple[int, ...], ...]:
    chips, cores = [0] * len(number), [0] * len(number)
    for chip in board.chips:
        for core in chip.cores:
            for block in core.blocks:
                chips[number[block]] = board.chip_index(chip)
                cores[number[block]] = chip.core_index(core)
    return tuple(chips), tuple(cores)
