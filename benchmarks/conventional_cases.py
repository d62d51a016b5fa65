"""Predictions for processors, GPUs, accelerators and microcontrollers.

A device that was fitted to measurements is fitted anew, as the shipped files are,
without the network that it predicts, at any batch size, precision and on any board. Its
interval is made from the rest in the same way.
"""

from __future__ import annotations

import warnings
from typing import Any, Iterator, Mapping, Sequence

import costs
import fit_devices
import measured
from measured import Case
from prediction import Prediction, price

from nengo_energy import devices
from nengo_energy.common.exceptions import ExtrapolationWarning
from nengo_energy.counts import OpCount, OpCounts
from nengo_energy.devices import Device
from nengo_energy.devices.files import parse_device
from nengo_energy.devices.writing import format_device_file
from nengo_energy.pricing.intervals import growth

KERAS_SPIKING = {
    "xeon-e5-2630": "cpu",
    "quadro-k4000": "gpu",
    "jetson-tx1": "gpu",
    "h100": "gpu",
    "movidius-ncs": "arm",
    "cortex-m4": "arm",
    "cortex-m7": "arm",
    "cortex-m33": "arm",
    "renesas-ra6m4": "arm",
    "renesas-rx65n": "arm",
    "efr32-xg24": "arm",
    "b200": "gpu",
    "gap9": "arm",
    "ndp120": "arm",
}
"""Which of KerasSpiking's constants stands for a device. It has none for accelerators;
``arm`` is its nearest to the Movidius stick and to microcontrollers."""

TERMS: Mapping[str, Sequence[str]] = {
    "h100": costs.GPU_TERMS,
    "b200": costs.LLM_TERMS,
    "gap9": ("kernel", "mac"),
    "ndp120": ("inference", "mac"),
    **{device: terms for device, _, terms in fit_devices.KWS_DEVICES},
}
"""What each device is fitted to tell apart."""


def conventional_counts(case: Case) -> OpCounts:
    """Return the counts of a conventional network, as its layers have them."""
    work = case.work
    operations = {
        "kernel": work.kernels,
        "weight_byte": 4 * work.weights,
        "activation_byte": 4 * work.values,
    }
    rows = [
        OpCount("network", "mac", n, 1, execution="dense", form=form)
        for form, n in work.macs.items()
    ]
    rows += [
        OpCount("network", operation, n, 1, execution="dense")
        for operation, n in operations.items()
        if n
    ]
    return OpCounts(tuple(rows))


def constants(case: Case) -> tuple[float, float]:
    """Return what KerasSpiking's constants give for a case, twice."""
    _, value, _ = price(
        conventional_counts(case), KERAS_SPIKING[case.device], "dynamic"
    )
    return value, value


def fitted_device(case: Case, data: Mapping[str, Any]) -> Device:
    """Return a device of prices that were fitted without a case, as files hold them."""
    file = {
        "name": "fitted",
        "kind": "dense",
        "word_bits": 8 * costs.WORD_BYTES[case.precision],
        "included": ["batch_norm"] if case.precision == "int8" else [],
        "shared": {
            "source": "cases",
            "locator": "benchmarks/data",
            "evidence": "fitted",
            "year": 2026,
        },
        **data,
        "sources": {"cases": "the cases that a prediction is fitted to"},
    }
    if case.idle is not None:
        file["static_power"] = {"value": case.idle, "unit": "W"}
    device = parse_device(format_device_file(file, ""), "fitted device")
    return device.at_batch(round(case.batch)) if device.takes_batches else device


def predict(
    case: Case,
    data: Mapping[str, Any],
    tier: str,
    kind: str = "",
    shipped: Device | None = None,
) -> Prediction:
    """Predict a case on a device of prices that know nothing of it."""
    counts, kind = conventional_counts(case), kind or case.kind
    device = fitted_device(case, data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        low, nominal, high = price(counts, device, kind)
        own = None if shipped is None else price(counts, shipped, kind)[1]
    idle = 0.0
    if kind == "total" and case.kind == "dynamic":
        idle = (case.idle or 0.0) * (case.time or 0.0)
    point = f"{case.point}: " if case.point and case.device not in KWS else ""
    return Prediction(
        tier,
        case.device,
        f"{point}{case.name}",
        case.energy + idle,
        low,
        nominal,
        high,
        constants(case),
        own,
        case.group if kind == case.kind else "",
        device.spread.energy,
        growth(counts.rows, device.spread, device.batch_size),
    )


KWS = [device for device, *_ in fit_devices.KWS_DEVICES]


def left_out(cases: Sequence[Case]) -> Iterator[tuple[Case, dict[str, Any]]]:
    """Yield each case, and prices fitted to the other networks on its device."""
    terms = TERMS[cases[0].device]
    for members in costs.groups(cases).values():
        rest = [case for case in cases if case not in members]
        fits: dict[str, dict[str, Any]] = {}
        for case in members:
            if case.precision not in fits:
                fits[case.precision] = fit_devices.fitted(rest, terms, case.precision)
            yield case, fits[case.precision]


def shipped_device(case: Case) -> Device:
    """Return the shipped device, which knows the case."""
    device = devices.get(case.device)
    if device.operating_points:
        device = device.operating_points[case.point]
    return device.at_batch(round(case.batch)) if device.takes_batches else device


def conventional(kind: str = "dynamic") -> list[Prediction]:
    """Return processors and GPUs: each network from the others on the same device.

    The Jetson measured one network, so each batch size is predicted from the others.
    """
    cases = measured.kws_cases()
    sets = [measured.of_device(cases, device) for device in KWS]
    sets.append(fit_devices.h100_cases())
    return [
        predict(case, data, "conventional", kind, shipped_device(case))
        for own in sets
        for case, data in left_out(own)
        if case.group != LANGUAGE
    ]


LANGUAGE = "language models"


def language_models() -> list[Prediction]:
    """Return tokens of language models.

    On the H100 from four networks of other kinds, on the B200 from the models of other
    sizes.
    """
    sets = [fit_devices.h100_cases(), measured.language_model_cases("B200")]
    return [
        predict(case, data, LANGUAGE, shipped=shipped_device(case))
        for own in sets
        for case, data in left_out(own)
        if case.group == LANGUAGE or case.device == "b200"
    ]


def hardly_measured() -> list[Prediction]:
    """Return rows of the H100 that lie less above idle than the idle power drifted."""
    known = fit_devices.h100_cases()
    return [
        predict(
            case,
            fit_devices.fitted(
                [other for other in known if other.group != case.group],
                costs.GPU_TERMS,
                case.precision,
            ),
            "H100, within the drift of its idle power",
            shipped=shipped_device(case),
        )
        for case in measured.h100_cases()
        if case.power <= measured.H100_DRIFT
    ]


def microcontrollers() -> list[Prediction]:
    """Return MLPerf Tiny on boards: each network left out on all of them."""
    cases = fit_devices.board_cases()
    found = []
    for members in costs.groups(cases).values():
        rest = [case for case in cases if case not in members]
        points = fit_devices.board_points(rest)
        found += [
            predict(
                case,
                points[case.device, case.point],
                "microcontrollers",
                shipped=shipped_device(case),
            )
            for case in members
            if (case.device, case.point) in points
        ]
    return found


def accelerators() -> list[Prediction]:
    """Return MLPerf Tiny on accelerators: each network from the others at its point."""
    found = []
    for device in fit_devices.ACCELERATORS:
        cases = measured.of_device(measured.mlperf_cases(), device)
        for point in devices.get(device).operating_points:
            own = measured.of_device(cases, device, point)
            found += [
                predict(case, data, "microcontrollers", shipped=shipped_device(case))
                for case, data in left_out(own)
            ]
    return found
