"""Fit the device files whose numbers follow from measurements in benchmarks/data.

python benchmarks/fit_devices.py            # say what differs
python benchmarks/fit_devices.py --write    # write nengo_energy/devices/data
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Mapping, Sequence

import measured
from costs import (
    GPU_TERMS,
    LEVEL,
    LLM_TERMS,
    TF_TERMS,
    WORD_BYTES,
    Cost,
    fit_cost,
    fit_kinds,
    interval_factor,
    kinds_left_out,
    left_out,
)
from measured import Case

import nengo_energy
from nengo_energy.calibration.fitting import fit_terms
from nengo_energy.devices.files import parse_device
from nengo_energy.devices.writing import format_device_file, readable
from nengo_energy.pricing.intervals import GOOD_PART

FILES = Path(nengo_energy.__file__).parent / "devices" / "data"
SPECK_FAN_OUT = 9 * 32  # kernels of 3 x 3 into 32 filters: the layers' mean is unknown

BLOUW2019 = (
    "Blouw P., Choo X., Hunsberger E., Eliasmith C., Benchmarking keyword spotting "
    "efficiency on neuromorphic hardware, NICE 2019, doi:10.1145/3320288.3320304; raw "
    "power logs: https://github.com/abr/power_benchmarks, commit fce95c8"
)
MLPERF = (
    "MLCommons, MLPerf Tiny results v0.5 to v1.2, closed division, "
    "https://github.com/mlcommons/tiny_results_v0.5 (commit d75aef6), v0.7 (64623f4), "
    "v1.0 (c7761cf), v1.1 (c32ef94), v1.2 (cadb362)"
)
ML_ENERGY = (
    "Chung J.-W. et al., ML.ENERGY, NeurIPS Datasets and Benchmarks 2025, "
    "https://github.com/ml-energy/leaderboard, commit 0cd52da"
)
MEASURED = (
    "Measured for this package: one NVIDIA H100 80GB HBM3 (700 W limit, driver "
    "580.159.04), PyTorch 2.11 (CUDA 13.0) inference, NVML's cumulative energy counter "
    "over windows of at least 3 s after 1 s of warm-up; "
    "benchmarks/data/h100_measured.csv"
)
KWS_DEVICES = (
    ("xeon-e5-2630", "Intel Xeon E5-2630 (24 of them), TensorFlow", TF_TERMS),
    ("quadro-k4000", "NVIDIA Quadro K4000, TensorFlow", TF_TERMS),
    ("jetson-tx1", "NVIDIA Jetson TX1, TensorFlow", TF_TERMS),
    ("movidius-ncs", "Intel Movidius NCS (Myriad 2), fp16", ("inference", "mac")),
)
"""Device, description, and what its cases tell apart."""

ALIKE = {
    "xeon-e5-2630": "quadro-k4000",
    "quadro-k4000": "xeon-e5-2630",
    "jetson-tx1": "quadro-k4000",
}
"""Which device tells apart what the cases of another can't: they ran the same
software."""

BOARDS = {
    "cortex-m4": "Cortex-M4 (STM32L4R5, 120 MHz), int8",
    "cortex-m7": "Cortex-M7 (STM32H7A3, 280 MHz), int8",
    "cortex-m33": "Cortex-M33 (STM32U575, 160 MHz), int8",
    "renesas-ra6m4": "Cortex-M33 (Renesas RA6M4, 200 MHz), int8",
    "renesas-rx65n": "Renesas RX65N, 120 MHz, int8",
    "efr32-xg24": "Cortex-M33 with matrix unit (Silicon Labs xG24, 78 MHz), int8",
}
ACCELERATORS = {
    "gap9": "GAP9 (RISC-V, NE16), int8",
    "ndp120": "Syntiant NDP120, int8",
}
POINTS = {
    "vendor": "the vendor's software of v1.1 (2023)",
    "vendor-v0.7": "the vendor's software of v0.7 (2022)",
    "vendor-v1.0": "the vendor's software of v1.0 (2022)",
    "vendor-v1.2": "the vendor's software of v1.2 (2024)",
    "microtvm": "microTVM and CMSIS-NN",
    "microtvm-native": "microTVM",
    "reference-v0.5": "the reference software of v0.5 (2021)",
    "krai-cubeai7.3": "X-CUBE-AI 7.3, by Krai",
    "krai-cubeai8.0": "X-CUBE-AI 8.0, by Krai",
    "skymizer-mbed": "Skymizer's software on Mbed OS",
    "skymizer-zephyr": "Skymizer's software on Zephyr",
}

YAO2024 = (
    "Yao M. et al., Spike-based dynamic computing with asynchronous sensing-computing "
    "neuromorphic chip, Nature Communications 15, 2024, doi:10.1038/s41467-024-47811-6"
)


def prices(energy: Cost, time: Cost | None, precision: str = "") -> dict[str, Any]:
    """Return energies and times of terms as a device file holds them.

    Terms of another precision are left out, and those that were fitted as nothing.
    """
    data: dict[str, Any] = {}
    for part, single, unit, cost in (
        ("energies", "energy", "J", energy),
        ("times", "time", "s", time),
    ):
        for term, value in () if cost is None else cost.costs.items():
            name, _, own = term.partition("@")
            if value <= 0 or (own and own != precision):
                continue
            if name in ("batch", "inference"):
                word = "batch" if name == "batch" else "fixed"
                data[f"{word}_{single}"] = readable(value, unit)
            else:
                data.setdefault(part, {})[name] = readable(value, unit)
    return data


def spread(
    cases: Sequence[Case],
    energy: Mapping[str, Sequence[float]],
    time: Mapping[str, Sequence[float]],
) -> dict[str, Any]:
    """Return the prediction interval of a device, and what it holds for."""
    macs, batches = [c.macs for c in cases], [round(c.batch) for c in cases]
    forms = dict.fromkeys(
        form
        for case in cases
        for form, n in case.work.macs.items()
        if n > GOOD_PART * case.macs
    )
    return {
        "level": LEVEL,
        "energy": round(interval_factor(energy), 3),
        "time": round(interval_factor(time), 3),
        "macs": [min(macs), max(macs)],
        "batch": [min(batches), max(batches)],
        "forms": list(forms),
    }


def fitted(
    cases: Sequence[Case], terms: Sequence[str], precision: str = ""
) -> dict[str, Any]:
    """Return prices and their interval, fitted to cases."""
    device = cases[0].device
    anchors = [measured.h100_bandwidth()] if device == "h100" else []
    costs, off = [], []
    for field, known in (("energy", []), ("time", anchors)):
        alike = None
        if device in ALIKE:
            others = measured.of_device(measured.kws_cases(), ALIKE[device])
            alike = fit_cost(others, TF_TERMS, field)
        costs.append(fit_cost([*cases, *known], terms, field, alike))
        off.append(left_out(cases, terms, field, known, alike))
    return {**prices(*costs, precision), "spread": spread(cases, *off)}


def board_points(cases: Sequence[Case]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return prices of boards by device and operating point, and their interval."""
    energy, time = (fit_kinds(cases, field) for field in ("energy", "time"))
    off = [kinds_left_out(cases, field) for field in ("energy", "time")]
    interval = spread(cases, *off)
    points = {}
    for key, cost in energy.items():
        data = prices(cost, time[key])
        for part in ("energies", "times"):
            # other layers are priced as convolutions
            data[part]["mac"] = dict(data[part]["mac_convolution"])
        for price in data["energies"].values():
            price["all_in"] = True
        points[key] = {**data, "spread": interval}
    return points


def gpu_points(cases: Sequence[Case]) -> dict[str, Any]:
    """Return a GPU by precision, fitted to all of its cases at once."""
    return {
        precision: {
            "description": precision,
            "word_bits": 8 * WORD_BYTES[precision],
            "shared": {"conditions": f"{precision}, PyTorch 2.11"},
            **fitted(cases, GPU_TERMS, precision),
        }
        for precision in ("fp32", "tf32", "bf16")
    }


def h100_cases() -> list[Case]:
    """Return what the H100 is fitted to.

    Four networks, and tokens of language models; without rows that lie less above idle
    than the idle power drifted.
    """
    cases = measured.h100_cases() + measured.language_model_cases("H100")
    return [case for case in cases if case.power > measured.H100_DRIFT]


def h100_file() -> dict[str, Any]:
    """Return the H100 by precision, at any batch size."""
    return {
        "name": "h100",
        "description": "NVIDIA H100 80GB HBM3, PyTorch",
        "kind": "dense",
        "default_operating_point": "bf16",
        "batch_size": 64,
        "included": ["activation", "addition"],
        "notes": [
            "Fitted to four networks from 172,800 to 4.1e9 multiply-accumulates, and "
            "to tokens of language models of 8e9 to 32e9, at batch sizes from 1 to "
            "65,536.",
        ],
        "shared": {
            "source": "measured-h100",
            "locator": "h100_measured.csv and llm_energy.csv",
            "evidence": "fitted",
            "year": 2026,
            "note": "[D] least squares of logarithms over all networks, precisions and "
            "batch sizes",
            "reread": "primary",
        },
        "static_power": {
            "value": measured.H100_IDLE,
            "high": measured.H100_IDLE + measured.H100_DRIFT + 0.3,
            "unit": "W",
            "per": "device",
            "locator": "column idle_W",
            "evidence": "measured",
            "conditions": "GPU alone, idle, before; 131 W after",
            "note": "[P] measured",
        },
        "operating_points": gpu_points(h100_cases()),
        "sources": {"measured-h100": f"{MEASURED}. Language models: {ML_ENERGY}"},
    }


def b200_file() -> dict[str, Any]:
    """Return the B200, of which language models alone are known."""
    data = fitted(measured.language_model_cases("B200"), LLM_TERMS, "bf16")
    for price in data["energies"].values():
        price["all_in"] = True
    return {
        "name": "b200",
        "description": "NVIDIA B200, language models, bf16",
        "kind": "dense",
        "batch_size": 64,
        "word_bits": 16,
        "included": ["activation", "addition"],
        "notes": [
            "Fitted to tokens of six language models at batch sizes from 8 to 2,043. A "
            "token is taken as one multiply-accumulate for each active weight; "
            "attention and the idle power of the GPU are in the prices.",
        ],
        "shared": {
            "source": "ml-energy",
            "locator": "public/data/models, configurations of one B200",
            "evidence": "fitted",
            "year": 2025,
            "conditions": "bf16, vLLM, conversations (lm-arena-chat)",
            "note": "[D] least squares of logarithms",
            "reread": "primary",
        },
        **data,
        "sources": {"ml-energy": ML_ENERGY},
    }


def kws_file(device: str, description: str, terms: Sequence[str]) -> dict[str, Any]:
    """Return a device that Blouw et al. 2019 measured."""
    cases = measured.of_device(measured.kws_cases(), device)
    sizes, batches = ({getattr(c, x) for c in cases} for x in ("macs", "batch"))
    varied = [f"{len(sizes)} networks"] if len(sizes) > 1 else []
    if len(batches) > 1:
        varied.append(f"{len(batches)} batch sizes")
    notes = [
        f"Fitted to {len(cases)} measurements over {' and '.join(varied)} of fully "
        "connected layers of 256 units: what a layer of another size or kind takes "
        "isn't known.",
    ]
    if len(sizes) == 1:
        notes.append(
            "One network only was measured, so starting a batch can't be told from "
            "starting its kernels: they are to each other as on the Quadro K4000."
        )
    if len(batches) == 1:
        notes.append(
            "Batch size 1 only was measured, so what a batch takes once isn't known."
        )
    return {
        "name": device,
        "description": description,
        "kind": "dense",
        "included": ["activation", "addition"],
        "notes": notes,
        "shared": {
            "source": "blouw2019",
            "locator": f"raw power logs; benchmarks/data, {len(cases)} rows",
            "evidence": "fitted",
            "year": 2019,
            "note": "[D] least squares of logarithms",
            "reread": "primary",
        },
        "static_power": {
            "value": round(cases[0].idle or 0.0, 4),
            "unit": "W",
            "per": "device",
            "evidence": "measured",
            "conditions": "idle after boot",
            "note": "[P] mean of the idle log",
        },
        **fitted(cases, terms),
        "sources": {"blouw2019": BLOUW2019},
    }


def board_cases() -> list[Case]:
    """Return MLPerf Tiny on microcontrollers without an accelerator of its own file."""
    return [case for case in measured.mlperf_cases() if case.device in BOARDS]


def board_file(device: str) -> dict[str, Any]:
    """Return a microcontroller of MLPerf Tiny, by software and round."""
    points = {
        point: {"description": POINTS[point], **data}
        for (owner, point), data in board_points(board_cases()).items()
        if owner == device
    }
    default = "vendor" if "vendor" in points else next(iter(points))
    return mlperf_file(
        device,
        BOARDS[device],
        "[D] scale of the board and software, times ratios between kinds of layers "
        "that all boards have in common",
        {"default_operating_point": default, "operating_points": points},
        [
            "Energy of the whole device per inference. Software moved the same "
            "Cortex-M4 by a factor of 4 in energy, boards with a Cortex-M33 span 173 "
            "to 1,582 pJ per multiply-accumulate.",
        ],
    )


def accelerator_file(device: str, terms: Sequence[str]) -> dict[str, Any]:
    """Return an accelerator of MLPerf Tiny, by voltage and clock."""
    points = {}
    all_cases = measured.of_device(measured.mlperf_cases(), device)
    for point in dict.fromkeys(case.point for case in all_cases):
        cases = measured.of_device(all_cases, device, point)
        if len({case.network for case in cases}) < 3:
            continue
        data = fitted(cases, terms)
        singles = [data[name] for name in ("fixed_energy",) if name in data]
        for price in (*data["energies"].values(), *singles):
            price["all_in"] = True
        points[point] = {"description": point.replace("-", ", "), **data}
    return mlperf_file(
        device,
        ACCELERATORS[device],
        "[D] least squares of logarithms over the networks",
        {"default_operating_point": next(iter(points)), "operating_points": points},
        ["Energy of the whole device per inference."],
    )


def mlperf_file(
    device: str,
    description: str,
    note: str,
    points: Mapping[str, Any],
    notes: Sequence[str],
) -> dict[str, Any]:
    """Return what files of MLPerf Tiny have in common."""
    return {
        "name": device,
        "description": description,
        "kind": "dense",
        "word_bits": 8,
        "included": ["activation", "addition", "batch_norm"],
        "notes": list(notes),
        "shared": {
            "source": "mlperf-tiny",
            "locator": f"results of {description}; benchmarks/data/mlperf_tiny.csv",
            "evidence": "fitted",
            "year": 2024,
            "conditions": "int8 networks, batch size 1",
            "note": note,
            "reread": "primary",
        },
        **points,
        "sources": {"mlperf-tiny": MLPERF},
    }


def speck_energies() -> dict[str, float]:
    """Return the energy of a spike [J] in each network measured on Speck."""
    found = {}
    for row in measured.read("speck_yao2024.csv"):
        power = (float(row["total_mW"]) - float(row["rest_mW"])) * 1e-3
        energy = power * float(row["window_s"])
        name = f"{row['task']} {row['model']}"
        found[name] = energy / float(row["spikes_per_sample"])
    return found


def speck_file() -> dict[str, Any]:
    """Return Speck: the energy of a spike over an assumed fan-out."""
    per_synop = [energy / SPECK_FAN_OUT for energy in speck_energies().values()]
    fit = fit_terms([[1]] * len(per_synop), per_synop)
    return {
        "name": "speck",
        "description": "SynSense Speck, asynchronous, 2024",
        "kind": "event",
        "included": ["spike", "neuron_update_active", "neuron_update_inactive"],
        "notes": [
            "Nothing is published per synop: it is the power above rest of six "
            "networks x 0.54 s / spikes / a fan-out of 9 x 32 = 288, which is assumed.",
        ],
        "shared": {
            "source": "yao2024",
            "locator": "Table 1",
            "evidence": "measured",
            "year": 2024,
            "reread": "not found",
        },
        "energies": {
            "synop": {
                **readable(float(fit.values[0]), "J", min(per_synop), max(per_synop)),
                "evidence": "fitted",
                "conditions": "gesture and gait recognition, real time",
                "note": "[D] geometric mean of six networks; the fan-out of 288 is an "
                "assumption; the range is that of the networks",
            }
        },
        "static_power": {
            "value": 0.42,
            "unit": "mW",
            "per": "device",
            "conditions": "at rest",
            "note": "[P] read in the abstract and the table",
            "reread": "primary",
        },
        "real_time": {"value": True, "source": "yao2024"},
        "capacity": {
            name: {
                "value": value,
                "locator": "data sheet of June 2023",
                "source": "synsense2023",
                "evidence": "vendor-claim",
                "year": 2023,
                "note": "[S] read in a secondary source",
            }
            for name, value in (
                ("cores_per_chip", 9),
                ("neurons_per_chip", 327680),
                ("weight_bits", 8),
            )
        },
        "sources": {
            "yao2024": YAO2024,
            "synsense2023": "SynSense, Speck data sheet, June 2023",
        },
    }


def all_files() -> dict[str, dict[str, Any]]:
    """Return the content of every file that this script writes, by device."""
    files = [
        h100_file(),
        b200_file(),
        *(kws_file(device, *rest) for device, *rest in KWS_DEVICES),
        *map(board_file, BOARDS),
        accelerator_file("gap9", ("kernel", "mac")),
        accelerator_file("ndp120", ("inference", "mac")),
        speck_file(),
    ]
    return {data["name"]: data for data in files}


def texts() -> dict[str, str]:
    """Return the text of every file, by device."""
    comment = "Written by benchmarks/fit_devices.py from benchmarks/data."
    found = {}
    for name, data in all_files().items():
        found[name] = format_device_file(data, comment)
        parse_device(found[name], f"{name}.toml")  # refuses what it shouldn't write
    return found


def main() -> int:
    """Write the files, or say which differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the files")
    write = parser.parse_args().write
    differing = 0
    for name, text in texts().items():
        path = FILES / f"{name}.toml"
        same = path.exists() and path.read_text(encoding="utf-8") == text
        differing += not same
        if write:
            path.write_text(text, encoding="utf-8")
        print(f"{path.name}: {'same' if same else 'written' if write else 'differs'}")
    return 0 if write else min(differing, 1)


if __name__ == "__main__":
    sys.exit(main())
