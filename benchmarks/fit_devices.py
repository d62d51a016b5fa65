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
from costs import TERMS, Cost, fit_cost, kws_terms, mean_cost

import nengo_energy
from nengo_energy.calibration.fitting import fit_terms
from nengo_energy.devices.files import parse_device
from nengo_energy.devices.writing import format_device_file, readable

FILES = Path(nengo_energy.__file__).parent / "devices" / "data"
H100_DRIFT = 6  # W by which the idle power rose while the H100 was measured
SPECK_FAN_OUT = 9 * 32  # kernels of 3 x 3 into 32 filters: the layers' mean is unknown

BLOUW2019 = (
    "Blouw P., Choo X., Hunsberger E., Eliasmith C., Benchmarking keyword spotting "
    "efficiency on neuromorphic hardware, NICE 2019, doi:10.1145/3320288.3320304; raw "
    "power logs: https://github.com/abr/power_benchmarks, commit fce95c8"
)
MLPERF = (
    "MLCommons, MLPerf Tiny results v1.0 and v1.1, closed division, "
    "https://github.com/mlcommons/tiny_results_v1.0 (commit c7761cf) and "
    "https://github.com/mlcommons/tiny_results_v1.1 (commit c32ef94)"
)
MEASURED = (
    "Measured for this package: one NVIDIA H100 80GB HBM3 (700 W limit, driver "
    "580.159.04), PyTorch 2.11 (CUDA 13.0) inference, NVML's cumulative energy counter "
    "over windows of at least 3 s after 1 s of warm-up; "
    "benchmarks/data/h100_measured.csv"
)
YAO2024 = (
    "Yao M. et al., Spike-based dynamic computing with asynchronous sensing-computing "
    "neuromorphic chip, Nature Communications 15, 2024, doi:10.1038/s41467-024-47811-6"
)


def point_fields(
    energy: Cost, time: Cost, batch: int, drift: float = 0.0
) -> dict[str, Any]:
    """Return prices and times at a batch size, as a device file holds them.

    Ranges are the spread of measured over fitted, and the drift of idle power x time.
    """
    prices = dict(zip(("fixed_energy", "mac"), energy.at(batch)))
    times = dict(zip(("fixed_time", "mac"), time.at(batch)))
    margin = {"fixed_energy": times["fixed_time"] * drift, "mac": times["mac"] * drift}

    def price(name: str) -> dict[str, Any]:
        low = max(prices[name] * energy.spread[0] - margin[name], 0.0)
        high = prices[name] * energy.spread[1] + margin[name]
        return readable(prices[name], "J", low, high)

    def duration(name: str) -> dict[str, Any]:
        return readable(
            times[name], "s", *(times[name] * ratio for ratio in time.spread)
        )

    return {
        "batch_size": batch,
        "energies": {"mac": price("mac")},
        "fixed_energy": price("fixed_energy"),
        "times": {"mac": duration("mac")},
        "fixed_time": duration("fixed_time"),
    }


def h100_file() -> dict[str, Any]:
    """Return the H100 by precision and batch size."""
    points = {}
    cases = measured.h100_cases()
    for name in dict.fromkeys(case.point for case in cases):
        own = measured.of_device(cases, "h100", name)
        precision, batch = name.split("-batch")
        costs = [fit_cost(own, TERMS[:2], field) for field in ("energy", "time")]
        points[name] = {
            "description": f"{precision}, batch size {batch}",
            "shared": {
                "locator": f"rows of {precision} at batch "
                + ", ".join(str(b) for b in sorted({case.batch for case in own})),
                "conditions": f"{precision}, batch size {batch}, PyTorch 2.11",
            },
            **point_fields(*costs, int(batch), H100_DRIFT),
        }
    return {
        "name": "h100",
        "description": "NVIDIA H100 80GB HBM3, PyTorch",
        "kind": "dense",
        "default_operating_point": "bf16-batch64",
        "included": ["activation", "addition"],
        "notes": [
            "Fitted to four networks from 172,800 to 4.1e9 multiply-accumulates. The "
            "price of one depends on how often a weight is used: at batch size 1 dense "
            "layers cost up to ten times as much as convolutions, which the range "
            "covers. A GPU's energy without its batch size means nothing.",
        ],
        "shared": {
            "source": "measured-h100",
            "evidence": "fitted",
            "year": 2026,
            "note": "[D] least squares of logarithms over the networks measured; the "
            "range is the spread of measured over fitted, and 6 W x time for the drift "
            "of the idle power",
        },
        "static_power": {
            "value": 124.7,
            "high": 131.0,
            "unit": "W",
            "per": "device",
            "locator": "column idle_W",
            "evidence": "measured",
            "conditions": "GPU alone, idle, before; 131 W after",
            "note": "[P] measured",
        },
        "operating_points": points,
        "sources": {"measured-h100": MEASURED},
    }


def kws_file(device: str, description: str, batches: Sequence[int]) -> dict[str, Any]:
    """Return a device that Blouw et al. 2019 measured, by batch size."""
    cases = measured.of_device(measured.kws_cases(), device)
    terms = kws_terms(device)
    costs = [fit_cost(cases, terms, field) for field in ("energy", "time")]
    sizes = len({case.macs for case in cases})
    varied = [f"{sizes} networks"] if sizes > 1 else []
    if len(batches) > 1:
        varied.append(f"{len({case.batch for case in cases})} batch sizes")
    notes = [
        f"Fitted to {len(cases)} measurements over {' and '.join(varied)} of fully "
        "connected layers, in which each weight is used once per inference.",
    ]
    if "load" not in terms and sizes == 1:
        notes.append(
            "One network only was measured, so starting a batch and fetching weights "
            "can't be told apart: both are in the fixed energy."
        )
    data: dict[str, Any] = {
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
            "note": "[D] least squares of logarithms; the range is the spread of "
            "measured over fitted",
        },
        "static_power": {
            "value": round(cases[0].idle or 0.0, 4),
            "unit": "W",
            "per": "device",
            "evidence": "measured",
            "conditions": "idle after boot",
            "note": "[P] mean of the idle log",
        },
    }
    if len(batches) == 1:
        data.update(point_fields(*costs, batches[0]))
    else:
        data["default_operating_point"] = f"batch{batches[0]}"
        data["operating_points"] = {
            f"batch{batch}": {
                "description": f"batch size {batch}",
                "shared": {"conditions": f"batch size {batch}"},
                **point_fields(*costs, batch),
            }
            for batch in batches
        }
    return {**data, "sources": {"blouw2019": BLOUW2019}}


def mcu_file(
    device: str, description: str, ranges: Mapping[str, tuple[float, float]]
) -> dict[str, Any]:
    """Return a microcontroller of MLPerf Tiny.

    Ranges [nJ/MAC] by operating point are those of all networks of the benchmark.
    """
    described = {
        "vendor": "the vendor's software",
        "microtvm": "microTVM and CMSIS-NN",
    }
    points = {}
    for point, (low, high) in ranges.items():
        cases = measured.of_device(measured.mlperf_cases(), device, point)
        mean = mean_cost(cases).costs["mac"]
        names = " and ".join(case.network for case in cases)
        fields: dict[str, Any] = {
            "description": described[point],
            "energies": {
                "mac": {
                    **readable(mean, "J", low * 1e-9, high * 1e-9),
                    "all_in": True,
                    "note": f"[D] geometric mean of {names}; the range is that of all "
                    "networks of the benchmark",
                }
            },
        }
        if all(case.time for case in cases):
            time = mean_cost(cases, "time")
            value = time.costs["mac"]
            ends = (value * ratio for ratio in time.spread)
            fields["times"] = {"mac": readable(value, "s", *ends)}
        points[point] = fields
    data: dict[str, Any] = {
        "name": device,
        "description": description,
        "kind": "dense",
        "included": ["activation", "addition"],
        "notes": [
            "Energy of the whole device per inference over the multiply-accumulates. "
            "Other software moved the same Cortex-M4 by a factor of 2.9.",
        ],
        "shared": {
            "source": "mlperf-tiny",
            "locator": "results of " + description,
            "evidence": "measured",
            "year": 2023,
            "conditions": "int8 networks, batch size 1",
            "note": "[D] geometric mean over the networks",
        },
    }
    if len(points) == 1:
        only = next(iter(points.values()))
        data.update({key: only[key] for key in only if key != "description"})
    else:
        data["default_operating_point"] = next(iter(points))
        data["operating_points"] = points
    return {**data, "sources": {"mlperf-tiny": MLPERF}}


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
        kws_file(
            "xeon-e5-2630", "Intel Xeon E5-2630 (24 of them), TensorFlow", (1, 8, 64)
        ),
        kws_file("quadro-k4000", "NVIDIA Quadro K4000, TensorFlow", (1, 8, 64)),
        kws_file("jetson-tx1", "NVIDIA Jetson TX1, TensorFlow", (1, 8, 64)),
        kws_file("movidius-ncs", "Intel Movidius NCS (Myriad 2), fp16", (1,)),
        mcu_file(
            "cortex-m4",
            "Cortex-M4 (STM32L4R5, 120 MHz, 1.8 V), int8",
            {"vendor": (0.56, 1.113), "microtvm": (1.4, 3.0)},
        ),
        mcu_file(
            "cortex-m7",
            "Cortex-M7 (STM32H7A3, 280 MHz, 3 V), int8",
            {"vendor": (0.49, 1.07)},
        ),
        mcu_file(
            "cortex-m33",
            "Cortex-M33 (STM32U575, 160 MHz), int8",
            {"vendor": (0.26, 0.46)},
        ),
        mcu_file(
            "gap9",
            "GAP9 (RISC-V, NE16, 240 MHz, 0.65 V), int8",
            {"vendor": (0.0022, 0.028)},
        ),
        mcu_file(
            "ndp120",
            "Syntiant NDP120 (30 MHz, 0.9 V), int8",
            {"vendor": (0.008, 0.016)},
        ),
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
