"""What is taken for granted of a chip's cores, mesh, time and host."""

from __future__ import annotations

from ..common.assumptions import Assumption

MESH_ASSUMED = Assumption(
    "loihi-mesh-of-8x4",
    "Hops are counted on a mesh of 8 x 4 tiles of four cores, as in the description of "
    "Loihi that goes with Boyle et al. 2025; a message takes the shortest way, one for "
    "each axon that a spike takes, so at least one for each core it goes to.",
)
CHIPS_IN_A_ROW = Assumption(
    "loihi-chips-in-a-row",
    "Several chips are taken to lie side by side, so that their meshes continue each "
    "other; what a crossing between chips costs isn't known.",
)
STORED_WEIGHTS = Assumption(
    "loihi-stored-weights",
    "A synop is a weight that the chip stores and a spike reads, also one that was "
    "rounded to zero; these are counted apart as well.",
)
_TIMED = (
    "Latency is the sum over timesteps of busiest core + longest way of a message + "
    "barrier. A core advances neurons and sends spikes one after the other, and reads "
    "the weights of arriving ones beside that{}. Leakage is that of whole chips."
)
BUSIEST_CORES = Assumption("loihi-busiest-cores", _TIMED.format(""))
FASTEST_MEAN_TIMESTEP = Assumption(
    "loihi-mean-timestep",
    _TIMED.format(
        "; cores are compared by their mean timestep, as the timesteps weren't "
        "followed one by one, so it is a floor"
    ),
)
HOST_WORK = Assumption(
    "loihi-host-work",
    "The host's work is counted as NengoLoihi's host does it, in every timestep: an "
    "activation for each neuron, and a multiply-accumulate for each weight of "
    "connections, decoders and encoders that isn't zero. What functions of nodes do "
    "isn't counted.",
)
HOST_WAY_UNCOUNTED = Assumption(
    "loihi-host-io",
    "Spikes between host and chip are counted; their way over the mesh isn't known.",
)
