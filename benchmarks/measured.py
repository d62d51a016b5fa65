"""Measured energies and times: the CSV files in benchmarks/data -> cases.

``data/README.md`` says where each file comes from.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Iterable, Mapping

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

H100_IDLE = 124.7
"""Idle power of the H100 before it was measured [W]; 131 W after."""

H100_DRIFT = 6.0
"""Power by which the idle power rose while the H100 was measured [W]: what lies less
above idle is hardly measured."""


H100_BANDWIDTH = 3.35e12
"""Memory bandwidth of the H100 by its data sheet, as quoted by glennklockwood.com
[B/s]. Streaming weights can't be faster."""


@dataclass(frozen=True)
class Network:
    """What a network takes for one inference, by `networks.py`.

    Attributes
    ----------
    macs : Mapping of {str: int}
        Multiply-accumulates by kind of layer.
    kernels, weights, values : int
        Kernels to start, weights to read, inputs and outputs of kernels.
    """

    macs: Mapping[str, int]
    kernels: int
    weights: int
    values: int


@dataclass(frozen=True)
class Case:
    """One network measured on one device.

    Attributes
    ----------
    device : str
        Device of the package that the hardware is.
    network : str
        What ran; cases of the same network on the same device aren't independent.
    group : str
        What must be left out together with it: networks of one family.
    work : Network
        What the network takes per inference.
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
    precision : str
        Numbers that it computed with.
    note : str
        What tells the case from another of the same network.
    """

    device: str
    network: str
    group: str
    work: Network
    batch: float
    energy: float
    kind: str
    time: float | None = None
    idle: float | None = None
    point: str = ""
    precision: str = "fp32"
    note: str = ""

    @property
    def macs(self) -> int:
        """Multiply-accumulates per inference."""
        return sum(self.work.macs.values())

    @property
    def power(self) -> float:
        """Mean power of the measured energy [W]."""
        return self.energy / (self.time or float("inf"))

    @property
    def name(self) -> str:
        """The case in words."""
        batch = f", batch {self.batch:g}" if self.batch > 1 else ""
        note = f" ({self.note})" if self.note else ""
        return f"{self.network}{batch}{note}"


def read(file: str) -> list[dict[str, str]]:
    """Return the rows of a file in ``benchmarks/data``."""
    with open(DATA / file, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@lru_cache(maxsize=None)
def networks() -> dict[str, Network]:
    """Return what each network takes, from ``networks.csv``."""
    found = {}
    for row in read("networks.csv"):
        name, *numbers = row.values()
        *macs, kernels, weights, values = map(int, numbers)
        forms = list(row)[1:5]
        by_form = {form: n for form, n in zip(forms, macs) if n}
        found[name] = Network(by_form, kernels, weights, values)
    return found


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
        network = f"kws +{n_stacks} stacks" if n_stacks else "kws"
        cases.append(
            Case(
                device=KWS_HARDWARE[row["hardware"]],
                network=network,
                group=network,
                work=networks()[network],
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
        network = row["network"]
        work = networks()["kws" if network.startswith("kws") else network]
        cases.append(
            Case(
                device="h100",
                network=network,
                group=network,
                work=work,
                batch=int(row["batch"]),
                energy=float(row["dynamic_J_per_inf"]),
                kind="dynamic",
                time=1 / float(row["inferences_per_s"]),
                idle=H100_IDLE,
                point=row["precision"],
                precision=row["precision"],
            )
        )
    return cases


def h100_bandwidth() -> Case:
    """Return what reading weights takes at least on the H100: an anchor for times."""
    n_bytes = 1e12
    return Case(
        device="h100",
        network="memory bandwidth",
        group="memory bandwidth",
        work=Network({}, 0, round(n_bytes / 4), 0),
        batch=1,
        energy=float("nan"),
        kind="dynamic",
        time=n_bytes / H100_BANDWIDTH,
    )


def language_model_cases(gpu: str) -> list[Case]:
    """Return tokens of language models on one GPU, dynamic energy on the H100.

    A token is taken as one multiply-accumulate for each active weight. Attention,
    kernels and activations are left out: they are a few per cent. The B200's idle power
    isn't known, so its energies are total.
    """
    cases = []
    for row in read("llm_energy.csv"):
        if row["gpu"] != gpu:
            continue
        weights = round(float(row["active_weights"]))
        energy, power = float(row["J_per_token"]), float(row["W"])
        idle = H100_IDLE if gpu == "H100" else None
        cases.append(
            Case(
                device=gpu.lower(),
                network=row["model"],
                group="language models" if gpu == "H100" else row["active_weights"],
                work=Network({"dense": weights}, 0, weights, 0),
                batch=float(row["batch"]),
                energy=energy * (1 - (idle or 0.0) / power),
                kind="dynamic" if idle else "total",
                time=energy / power,
                idle=idle,
                point=row["precision"],
                precision=row["precision"],
            )
        )
    return cases


def mlperf_cases() -> list[Case]:
    """Return MLPerf Tiny on microcontrollers, total energy."""
    return [
        Case(
            device=row["device"],
            network=row["network"],
            group=row["network"],
            work=networks()[row["network"]],
            batch=1,
            energy=float(row["uJ_per_inference"]) * 1e-6,
            kind="total",
            time=1 / float(row["inferences_per_s"]),
            point=row["point"],
            precision="int8",
        )
        for row in read("mlperf_tiny.csv")
    ]


def of_device(cases: Iterable[Case], device: str, point: str = "") -> list[Case]:
    """Return the cases of one device, at one operating point if it is named."""
    return [c for c in cases if c.device == device and point in ("", c.point)]
