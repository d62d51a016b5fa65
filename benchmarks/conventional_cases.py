"""Predictions for processors, GPUs, accelerators and microcontrollers.

A device that was fitted to measurements is fitted anew, as the shipped files are,
without the case that it predicts, and without other cases of the same network at the
same operating point.
"""

from __future__ import annotations

from typing import Sequence

import costs
import fit_devices
import measured
from measured import Case
from prediction import Prediction, price

from nengo_energy import devices
from nengo_energy.counts import OpCount, OpCounts
from nengo_energy.devices import Device
from nengo_energy.devices.files import parse_device
from nengo_energy.devices.writing import format_device_file

KERAS_SPIKING = {
    "xeon-e5-2630": "cpu",
    "quadro-k4000": "gpu",
    "jetson-tx1": "gpu",
    "h100": "gpu",
    "movidius-ncs": "arm",
    "cortex-m4": "arm",
    "cortex-m7": "arm",
    "cortex-m33": "arm",
    "gap9": "arm",
    "ndp120": "arm",
}
"""Which of KerasSpiking's constants stands for a device. It has none for accelerators;
``arm`` is its nearest to the Movidius stick and to microcontrollers."""

SOFTWARE_SPREAD = 2.9
"""Factor between two software stacks on one Cortex-M4, running a network (image
classification of MLPerf Tiny: 20.2 and 7.0 mJ) that isn't among the cases here."""


def conventional_counts(macs: int) -> OpCounts:
    """Return the counts of a conventional network; activations are left out.

    They are under 1 % of the operations of every network here.
    """
    return OpCounts((OpCount("network", "mac", macs, 1, execution="dense"),))


def constants(case: Case) -> tuple[float, float]:
    """Return what KerasSpiking's constants give for a case, twice."""
    device = KERAS_SPIKING[case.device]
    _, value, _ = price(conventional_counts(case.macs), device, "dynamic")
    return value, value


def fitted_device(cases: Sequence[Case], terms: Sequence[str], batch: int) -> Device:
    """Return a device fitted to cases, as the shipped files are, at a batch size."""
    energy, time = (costs.fit_cost(cases, terms, field) for field in ("energy", "time"))
    drift = fit_devices.H100_DRIFT if cases[0].device == "h100" else 0.0
    data = {
        "name": "fitted",
        "kind": "dense",
        "shared": {
            "source": "cases",
            "locator": "benchmarks/data",
            "evidence": "fitted",
            "year": 2026,
        },
        **fit_devices.point_fields(energy, time, batch, drift),
        "static_power": {"value": cases[0].idle, "unit": "W"},
        "sources": {"cases": "the cases that a prediction is fitted to"},
    }
    return parse_device(format_device_file(data, ""), "fitted device")


def predict(
    case: Case,
    rest: Sequence[Case],
    terms: Sequence[str],
    tier: str,
    kind: str,
    shipped: Device | None,
) -> Prediction:
    """Predict one conventional case from the cases that know nothing of it."""
    counts = conventional_counts(case.macs)
    low, nominal, high = price(counts, fitted_device(rest, terms, case.batch), kind)
    idle = (case.idle or 0.0) * (case.time or 0.0) if kind == "total" else 0.0
    own = None if shipped is None else price(counts, shipped, kind)[1]
    return Prediction(
        tier,
        case.device,
        case.name if case.device != "h100" else f"{case.point}: {case.name}",
        case.energy + idle,
        low,
        nominal,
        high,
        constants(case),
        own,
    )


def conventional(kind: str = "dynamic") -> list[Prediction]:
    """Return processors, GPUs and accelerators.

    Keyword spotting: the cases are split in two halves by size and by batch,
    and each half is predicted from the other; both runs of the same network at the
    same batch size lie in one half. H100: each network from the other three.
    """
    tier = "conventional"
    found = []
    for device in ("xeon-e5-2630", "quadro-k4000", "jetson-tx1", "movidius-ncs"):
        cases = measured.of_device(measured.kws_cases(), device)
        for case in cases:
            rest = [other for other in cases if half(other) != half(case)]
            terms = costs.kws_terms(device)
            points = devices.get(device).operating_points
            shipped = points.get(case.point) if points else devices.get(device)
            found.append(predict(case, rest, terms, tier, kind, shipped))
    cases = measured.h100_cases()
    for case in cases:
        same_point = measured.of_device(cases, "h100", case.point)
        rest = [other for other in same_point if other.network != case.network]
        shipped = devices.get(f"h100@{case.point}")
        if shipped.batch_size != case.batch:
            shipped = None
        found.append(predict(case, rest, costs.TERMS[:2], tier, kind, shipped))
    return found


def half(case: Case) -> int:
    """Return 0 or 1: every other size, and every other batch size."""
    sizes = ["kws", *(f"kws +{n} stacks" for n in (2, 4, 6, 8, 10))]
    batches = [1, 2, 4, 8, 16, 32, 64]
    return (sizes.index(case.network) + batches.index(case.batch)) % 2


def language_models() -> list[Prediction]:
    """Return the H100 as shipped, at a job it wasn't fitted to: words of a model.

    A token takes about one multiply-accumulate per weight; attention is left out.
    """
    found = []
    for row in measured.read("llm_energy.csv"):
        batch = min(measured.H100_GROUPS, key=lambda b: abs(b - int(row["batch"])))
        if abs(batch - int(row["batch"])) > 1:
            continue  # no operating point at that batch size
        macs = round(float(row["active_weights"]))
        low, nominal, high = price(
            conventional_counts(macs), f"h100@bf16-batch{batch}", "total"
        )
        case = Case("h100", row["model"], macs, int(row["batch"]), 0.0, "total")
        found.append(
            Prediction(
                "conventional, other work",
                "h100",
                f"bf16-batch{batch}: a token of {case.name}",
                float(row["J_per_token"]),
                low,
                nominal,
                high,
                constants(case),
            )
        )
    return found


def microcontrollers() -> list[Prediction]:
    """Return MLPerf Tiny: each network from the other one on the same device.

    Other software on the Cortex-M4 is predicted from the vendor's. The range is that of
    software, a factor of `SOFTWARE_SPREAD` each way.
    """
    found = []
    cases = measured.mlperf_cases()
    for case in cases:
        rest = [
            other
            for other in measured.of_device(cases, case.device, "vendor")
            if other.network != case.network
        ]
        if not rest:
            continue  # nothing else was measured on that device
        nominal = costs.mean_cost(rest).costs["mac"] * case.macs
        shipped = devices.get(case.device)
        if shipped.operating_points:
            shipped = shipped.operating_points[case.point]
        found.append(
            Prediction(
                "microcontrollers",
                case.device,
                f"{case.network}, {case.point} software",
                case.energy,
                nominal / SOFTWARE_SPREAD,
                nominal,
                nominal * SOFTWARE_SPREAD,
                constants(case),
                price(conventional_counts(case.macs), shipped, "total")[1],
            )
        )
    return found
