"""Read what NengoLoihi built: blocks, the axons between them, and what they cost.

The image holds numbers and Nengo's objects, and none of NengoLoihi's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

import nengo
import numpy as np

from .loihi import import_nengo_loihi

_OWNERS: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()


@dataclass(frozen=True)
class BlockImage:
    """One block, which takes a core.

    Attributes
    ----------
    owner : nengo.Ensemble, nengo.Connection or nengo.Probe
        The ensemble that it is a part of; or the connection or the probe whose decoded
        values its neurons pass on.
    neurons : (n,) int ndarray
        Which neurons of those of the owner its compartments are.
    in_axons, out_axons, synapse_bits : int
        What it takes of its core.
    lost_bits : int
        Bits of the weights' eight that were given up so that threshold and biases fit.
    spiking : bool
        Whether its neurons spike; those that a decoded value is read off don't.
    is_read : bool
        Whether the host reads its spikes.
    """

    owner: Any
    neurons: np.ndarray = field(repr=False)
    in_axons: int
    out_axons: int
    synapse_bits: int
    lost_bits: int
    spiking: bool
    is_read: bool


@dataclass(frozen=True)
class AxonImage:
    """What spikes of one block, or of one input, do in one block.

    Attributes
    ----------
    owner : nengo.Connection or nengo.Probe
        What the weights belong to. Encoders belong to the first of the connections
        that lead to them.
    source : int
        Number of the block, or of the input.
    from_host : bool
        Whether the source is an input.
    target : int
        Number of the block that holds the weights.
    leads : (n_units,) bool ndarray
        Whether a spike of each unit of the source is sent here.
    weights, zeros : (n_units,) int64 ndarray
        Weights that a spike of each unit reads here, and how many of them are zero;
        of weights that learn, none is.
    form : str
        How they are stored, one of `counts.FORMS` of a synop.
    """

    owner: Any
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
    inputs : tuple of nengo.Connection or nengo.Node
        Connections by which the host sends spikes, and nodes whose spikes the chip has.
    input_sizes : tuple of int
        Units of each.
    axons : tuple of AxonImage
        All ways of spikes.
    chip_of, core_of : tuple of int
        Chip of each block, and core on it, as the allocator put them.
    """

    blocks: tuple[BlockImage, ...]
    inputs: tuple[Any, ...]
    input_sizes: tuple[int, ...]
    axons: tuple[AxonImage, ...]
    chip_of: tuple[int, ...]
    core_of: tuple[int, ...]


def note_owners(model: Any, network: nengo.Network) -> None:
    """Let a model that will be built note which object synapses and inputs are of.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
        Empty yet.
    network : nengo.Network
        The network that will be built. NengoLoihi makes further objects, which are
        passed over for those of the network that they are made for.
    """
    owners: list[Any] = []
    _OWNERS[model] = owners
    seen: set[Any] = set()
    known = {*network.all_nodes, *network.all_connections, *network.all_probes}
    callback = model.build_callback
    n_blocks = 0

    def note(obj: Any) -> None:
        nonlocal n_blocks
        if callback is not None:
            callback(obj)
        if obj not in known:
            return
        # it brought new blocks, or synapses to where it leads
        blocks = list(islice(reversed(model.blocks), len(model.blocks) - n_blocks))
        n_blocks = len(model.blocks)
        target = model.objs.get(getattr(obj, "post_obj", None), {}).get("in")
        if target in model.blocks:
            blocks.append(target)
        new = [s for block in blocks for s in block.synapses if s not in seen]
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
    read: dict[Any, set[str]] = {block: set() for block in blocks}
    for probe in model.probes:
        for block in probe.target:
            read[block].add(probe.key)
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
        spiking = block in ensembles or "voltage" not in read[block]
        images.append(
            BlockImage(
                owner=block_owner(model, block),
                neurons=np.asarray(list(model.block_comp_map[block])),
                in_axons=use["in-axons"],
                out_axons=use["out-axons"],
                synapse_bits=use["synapses"],
                lost_bits=max(
                    [_lost_bits(s.synapse_cfg) for s in block.synapses], default=0
                ),
                spiking=spiking,
                is_read="spiked" in read[block],
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


def block_owner(model: Any, block: Any) -> Any:
    """Return the ensemble, connection or probe of a block, None if not known."""
    owner = _ensembles(model).get(block)
    if owner is None and block.synapses and model in _OWNERS:
        owner = _owner(block.synapses[0], _OWNERS[model])
    return owner


def _ensembles(model: Any) -> dict[Any, nengo.Ensemble]:
    found: dict[Any, nengo.Ensemble] = {}
    for obj, parts in model.objs.items():
        if isinstance(obj, nengo.Ensemble):
            blocks = parts["out"] if isinstance(parts["out"], list) else [parts["out"]]
            for block in blocks:  # the first is what was built, others are aliases
                found.setdefault(block, obj)
    return found


def _owner(part: Any, owners: list[Any]) -> Any:
    return owners[int(part.label.partition(":")[0])]


def _profile(synapse: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weights and zeros by (axon, atom), and which axons lead anywhere."""
    weights = synapse.weights
    n_atoms = weights[0].shape[0]
    sizes = np.array([w.shape[1] for w in weights])
    zeros = np.array([(w == 0).sum(axis=1) for w in weights]).reshape(-1, n_atoms)
    if synapse.learning:  # they don't stay what they were built as
        zeros = np.zeros_like(zeros)
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


def learnt_weights(sim: Any) -> dict[int, tuple[int, int]]:
    """Return the shape of the decoders that the chip learns, by number of their block.

    Returns
    -------
    dict of {int: (int, int)}
        Values, each of which has two neurons, and neurons that drive them.
    """
    return {
        number: (synapse.weights[0].size // 2, len(synapse.weights))
        for number, block in enumerate(sim.model.blocks)
        for synapse in block.synapses
        if synapse.learning
    }
