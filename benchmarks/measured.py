"""Measured energies and times: the CSV files in benchmarks/data -> cases.

``data/README.md`` says where each file comes from.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable

DATA = Path(__file__).parent / "data"

KWS_HARDWARE = {
    "cpu": "xeon-e5-2630",
    "gpu": "quadro-k4000",
    "jetson": "jetson-tx1",
    "movidius": "movidius-ncs",
    "ncs2": "ncs2",
    "loihi": "loihi",
}
"""Hardware of Blouw et al. 2019 -> the name of its device here."""

H100_GROUPS = {1: (1,), 8: (8,), 64: (64,), 512: (512, 256), 4096: (4096, 2048, 65536)}
"""Batch size of an operating point -> the batch sizes of the rows that go into it, as
not every network was measured at each."""


@dataclass(frozen=True)
class Case:
    """One network measured on one device.

    Attributes
    ----------
    device : str
        Device of the package that the hardware is.
    network : str
        What ran; cases of the same network on the same device aren't independent.
    macs : int
        Multiply-accumulates per inference.
    batch : int
        Inferences that ran together.
    energy : float
        Measured energy [J per inference].
    kind : str
        ``"dynamic"`` (above idle) or ``"total"``.
    time : float or None
        Measured time [s per inference], 1 / throughput.
    idle : float or None
        Idle power [W].
    point : str
        Operating point of the device.
    note : str
        What tells the case from another of the same network.
    """

    device: str
    network: str
    macs: int
    batch: int
    energy: float
    kind: str
    time: float | None = None
    idle: float | None = None
    point: str = ""
    note: str = ""

    @property
    def name(self) -> str:
        """The case in words."""
        batch = f", batch {self.batch}" if self.batch > 1 else ""
        note = f" ({self.note})" if self.note else ""
        return f"{self.network}{batch}{note}"


def read(file: str) -> list[dict[str, str]]:
    """Return the rows of a file in ``benchmarks/data``."""
    with open(DATA / file, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def scaled_kws_macs(n_stacks: int) -> int:
    """Return the multiply-accumulates of 390-256-[n stacks]-256-29.

    The stacks of ten layers of 256 lie side by side; each has eleven matrices, with
    those that lead into and out of it, in place of the one matrix of 256 x 256.
    """
    matrices = 11 * n_stacks if n_stacks else 1
    return 390 * 256 + matrices * 256 * 256 + 256 * 29


def scaled_kws_neurons(n_stacks: int) -> int:
    """Return the neurons of 390-256-[n stacks]-256-29, without the inputs."""
    return 256 + n_stacks * 10 * 256 + 256 + 29


def kws_cases() -> list[Case]:
    """Return keyword spotting by Blouw et al. 2019, dynamic energy.

    The smallest scaled network and the keyword spotter are one network.
    """
    cases = []
    for row in read("kws_power_measured.csv"):
        scaled = "scaled" in row["run"] or row["n_layers"] != ""
        n_stacks = int(row["n_copies"]) if scaled else 0
        cases.append(
            Case(
                device=KWS_HARDWARE[row["hardware"]],
                network=f"kws +{n_stacks} stacks" if n_stacks else "kws",
                macs=scaled_kws_macs(n_stacks),
                batch=int(row["batch"]),
                energy=float(row["dyn_J_per_inf"]),
                kind="dynamic",
                time=1 / float(row["inf_per_s"]),
                idle=float(row["idle_W"]),
                point=f"batch{row['batch']}",
                note="" if n_stacks or not scaled else "again",
            )
        )
    return cases


def h100_cases() -> list[Case]:
    """Return four networks on an H100, dynamic energy."""
    cases = []
    for row in read("h100_measured.csv"):
        batch = int(row["batch"])
        group = next(b for b, batches in H100_GROUPS.items() if batch in batches)
        cases.append(
            Case(
                device="h100",
                network=row["network"],
                macs=int(row["macs_per_inference"]),
                batch=batch,
                energy=float(row["dynamic_J_per_inf"]),
                kind="dynamic",
                time=1 / float(row["inferences_per_s"]),
                idle=float(row["idle_W"]),
                point=f"{row['precision']}-batch{group}",
            )
        )
    return cases


def mlperf_cases() -> list[Case]:
    """Return MLPerf Tiny on microcontrollers, total energy."""
    return [
        Case(
            device=row["device"],
            network=row["network"],
            macs=int(row["macs"]),
            batch=1,
            energy=float(row["uJ_per_inference"]) * 1e-6,
            kind="total",
            time=(
                1 / float(row["inferences_per_s"]) if row["inferences_per_s"] else None
            ),
            point="microtvm" if "microTVM" in row["stack"] else "vendor",
        )
        for row in read("mlperf_tiny.csv")
    ]


def of_device(cases: Iterable[Case], device: str, point: str = "") -> list[Case]:
    """Return the cases of one device, at one operating point if it is named."""
    return [c for c in cases if c.device == device and point in ("", c.point)]
