"""What a Loihi chip holds, and how its synapse memory is counted.

The limits are those that NengoLoihi checks when it builds a network
(``nengo_loihi.block``, ``nengo_loihi.builder.validate``). Davies et al. 2018
(doi:10.1109/MM.2018.112130359) give the same: 1,024 compartments, 4,096 input and 4,096
output axons, and 128 KB of synaptic state to each of 128 cores.
"""

from __future__ import annotations

import numpy as np

MAX_COMPARTMENTS = 1024
MAX_IN_AXONS = 4096
MAX_OUT_AXONS = 4096
MAX_SYNAPSE_BITS = 128 * 1024 * 8
CORES_PER_CHIP = 128

CORES_PER_TILE = 4
TILES_WIDE, TILES_HIGH = 8, 4
"""Tiles of four cores in a mesh of 8 x 4: not in Davies et al. 2018, which gives 128
cores and figures for up to 32 tiles; taken from the description of Loihi that goes with
Boyle et al. 2025 (doi:10.1109/TCAD.2025.3537971; SANA-FE, ``arch/loihi.yaml``)."""

MAX_POPULATION = 512
"""Most sources that share an axon, told apart by a number of nine bits."""

DISCRETE_SLOTS, POPULATION_SLOTS = 1, 2
"""Entries of a core's table of output axons that one axon takes: an axon of its own for
each neuron, and one that several neurons share (NengoLoihi's ``pop_type`` 32)."""

WEIGHT_BITS = 8
INDEX_BITS = (0, 6, 7, 8, 9, 10, 11, 12)
"""Widths that the index of a target compartment can be stored in."""

BASE_LIMIT = 256
"""An axon adds up to this minus one to the indices stored with shared weights."""

_ENTRIES_PER_RUN = 64
_RUN_HEADER_BITS = 10
_WORD_BITS = 64

LOIHI_DEVICES = ("loihi", "loihi-davies2018", "loihi-fitted2025")
"""What Loihi is priced by: KerasSpiking's constants, the published table, a fit."""


def synapse_bits(n_weights: np.ndarray, index_bits: int = 0) -> np.ndarray:
    """Return the memory that the weights of axons take.

    Weights stand in runs of up to 64, each with a header and rounded up to whole words.

    Parameters
    ----------
    n_weights : int array_like
        Weights of each axon.
    index_bits : int
        Bits for the index of each weight's target; 0 where targets follow each other.

    Returns
    -------
    int64 ndarray
        Bits for each axon.
    """
    width = WEIGHT_BITS + index_bits
    n_full, rest = np.divmod(np.asarray(n_weights, dtype=np.int64), _ENTRIES_PER_RUN)
    bits: np.ndarray = n_full * _words(_ENTRIES_PER_RUN * width)
    bits += np.where(rest > 0, _words(rest * width), 0)
    return bits


def index_width(largest: int) -> int:
    """Return the bits in which the index of a compartment is stored.

    Raises
    ------
    ValueError
        If the index is larger than a core has compartments.
    """
    return next(bits for bits in INDEX_BITS if largest < 2**bits)


def _words(n_bits: np.ndarray | int) -> np.ndarray | int:
    return -(-(n_bits + _RUN_HEADER_BITS) // _WORD_BITS) * _WORD_BITS
