"""A network and two devices small enough to price by hand.

chip: conv 40,000 x 20 pJ + 25,000 x 2 pJ + 1,000 x 1 pJ = 851 nJ; dense 3,000 x
20 pJ + 500 x 2 pJ = 61 nJ; host 1e6 x 0.9 nJ = 900 uJ; static 1 uW x 50 ms = 50 nJ.
twin: 40 uJ + 3 uJ. arm: 9,500, 1,000 and 10 operations at 0.9 nJ.
"""

from __future__ import annotations

from nengo_energy.common.assumptions import Assumption
from nengo_energy.counts import OpCount, OpCounts
from nengo_energy.devices import Device, Quantity

COUNTS = OpCounts(
    rows=(
        OpCount("image", "mac", 2 * 1_000_000, 2, where="host"),
        OpCount("conv", "synop", 2 * 40_000, 2),
        OpCount("conv", "neuron_update_active", 2 * 500, 2),
        OpCount("conv", "neuron_update_inactive", 2 * 24_500, 2),
        OpCount("conv", "spike", 2 * 1_000, 2),
        OpCount("dense", "synop", 2 * 3_000, 2),
        OpCount("dense", "neuron_update_active", 2 * 0, 2),
        OpCount("dense", "neuron_update_inactive", 2 * 500, 2),
        OpCount("conv", "mac", 9_000, 1, execution="dense"),
        OpCount("conv", "activation", 500, 1, execution="dense"),
        OpCount("pool", "addition", 400, 1, execution="dense"),
        OpCount("dense", "mac", 1_000, 1, execution="dense"),
        OpCount("softmax", "activation", 10, 1, execution="dense"),
    ),
    timesteps=50,
    dt=0.001,
    assumptions=(Assumption("input-on-host", "The host encodes the input."),),
    settings={"simulator": "nengo-dl"},
)
CHIP = Device(
    name="chip",
    kind="event",
    energies={
        "synop": Quantity(20e-12, "paper", low=10e-12, high=40e-12),
        "neuron_update": Quantity(2e-12, "paper", evidence="measured"),
        "spike": Quantity(1e-12, "paper"),
    },
    sources={"paper": "Someone, A paper, 2020"},
    static_power=Quantity(1e-6, "paper"),
    real_time=True,
    real_time_source="paper",
    notes=("A chip for tests.",),
)
TWIN = Device(
    name="twin",
    kind="event",
    energies={"synop": Quantity(1e-9, "paper")},
    sources={"paper": "Someone, A paper, 2020"},
)
