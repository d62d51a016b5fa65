"""Predictions beside measurements, and beside KerasSpiking's constants.

python benchmarks/validation.py                              # print
python benchmarks/validation.py --write docs/validation.md   # write the page
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from statistics import mean, median
from typing import Iterable, Mapping, Sequence

import conventional_cases
import neuromorphic_cases
from costs import LEVEL
from prediction import Prediction, factor

from nengo_energy.common.tables import format_si
from nengo_energy.devices.spread import KIND_FACTOR, SIZE_EXPONENT

INTRODUCTION = """\
# Predicted and measured energy

This page is written by `python benchmarks/validation.py --write docs/validation.md`
from the measurements in `benchmarks/data`, whose README names their sources. It shows
how far estimates can be trusted, so what went wrong is in it too.

- *measured*: joules per inference, unless the case says otherwise. Energy of the Xeon,
  the H100, the Quadro, the Jetson, the Movidius stick and Loihi is above idle; that of
  the B200 and of microcontrollers is all that the device drew.
- *predicted*, *low*, *high*: the estimate and its interval. Where firing rates aren't
  published they are swept from 0.01 to 1 spike per neuron and timestep, and the
  prediction is the band from low to high without a value in it.
- *factor*: how many times predicted and measured differ, whichever is more, or how
  many times the measurement lies outside the band.
- *half-width*: the factor to both sides that an interval is of its estimate.
- *KerasSpiking*: the same with its constants for the same counts: `cpu` for the Xeon,
  `gpu` for GPUs, `arm` for the Movidius stick and microcontrollers, `loihi`,
  `spinnaker` and `spinnaker2`. It has none for Speck.

## What conventional devices are fitted to

A batch of b inferences is taken to cost

    batch + kernels x kernel + weight bytes x weight_byte
    + b x (activation bytes x activation_byte + multiply-accumulates x mac)

with as many of these terms as the cases of a device tell apart, by least squares of
logarithms. The H100 has one price for kernels and bytes at all batch sizes, and one for
multiply-accumulates by precision: six numbers in place of thirty. Kernels, bytes and
multiply-accumulates of the networks are counted by `count_layer_ops`
(`benchmarks/networks.py`). Microcontrollers have a price for each kind of layer: a
scale of the board and its software, times ratios that all boards have in common.

An interval is meant to hold 90 %. Its width is that of residuals of logarithms, each
network left out of the fit in turn, times Student's t. Beyond the sizes and batch sizes
that were measured it grows with the power {exponent} of the ratio to the nearest, and
by a factor of {kind:.0f} where a network has layers of a kind that wasn't measured.
The power is the least, in steps of 0.02, with which 90 % of all cases lie within their
intervals. As it was chosen on the cases that it is scored on, a further column scores
each network with the power that the same rule chooses on the other networks ({least:g}
to {most:g}). No case here hangs on the factor for other kinds. Estimates outside of
what was measured say so by name.

Nothing that was fitted on a case counts as predicted on it, and networks are left out
whole, at any batch size, precision and, for microcontrollers, on any board:

- Keyword spotting on the Xeon, the Quadro K4000 and the Movidius stick: each size from
  the others. One size alone was run at several batch sizes, so without it nothing tells
  what a batch takes once: the Quadro lends the Xeon the ratio, and the other way round.
  Intervals of these batch sizes held least.
- The Jetson TX1 measured one network: each batch size is predicted from the others.
- H100: each network from the other three and language models; those from the four.
- B200: language models of one size from those of others.
- Microcontrollers: each network from the other three. GAP9 and NDP120 from the other
  networks at the same voltage and clock.
- SpiNNaker: 48 chips from the prices measured on 4. Loihi: the preset of SANA-FE, no
  price of which was fitted to these cases. Speck: each task from the energy per spike
  of the other two.

The intervals that are scored are those that the package ships: they are made by the
code that writes the device files, from the cases that are left.
"""

EXCLUSIONS = (
    "NCS2: one measurement, and no device that it could be predicted from.",
    "Syntiant NDP120 in v0.7: one network, so none that it could be predicted from.",
    "Language models on several GPUs, of mixtures of experts, and not in bf16: no "
    "device at these.",
    "Jetson Orin, ResNet-50 (MLPerf Inference v3.1): its power is known from an "
    "excerpt of the log only.",
    "Xylo Audio 2, keyword spotting: another network, and no price per operation.",
    "Loihi 2 (Meszaros 2025, CLP-SNN, force control, PilotNet), BrainScaleS-2 "
    "(Stradmann 2022), Akida: no price per operation.",
    "DVS and EMG gestures (Ceolini 2020), acoustic scenes (NeuroBench), odours (Imam "
    "and Cleland 2020), LeNet on SpiNNaker (Patino-Saucedo 2020): networks known in "
    "part, or no energy given.",
    "GeNN on Ryzen, i7 and RTX 2070: the figures are the devices' own prices.",
    "SNN4Space and others: estimates made with KerasSpiking, not measurements.",
)

FACTORS = """\
Geometric means over the cases of each tier; half-widths are medians. The last column is
no prediction: it is what the shipped device gives, which was fitted to these cases
among others.
"""

VERDICT = """\
On the conventional tier the mean factor is {ours:.2f}, with KerasSpiking's constants
{theirs:.2f}: {closer:.1f} times closer to 1. The nominal 90 % intervals held
{held:.0%}. {wide}

Two rows of the H100 lie less above idle than the 6 W by which its idle power rose while
it was measured. They are hardly measurements of energy above idle, aren't fitted to,
and stand in a tier of their own. With them the conventional mean factor is
{with_drift:.2f}.
"""

EXPONENTS = tuple(k / 50 for k in range(31))
"""Powers of the ratio to what was measured that an interval may grow by."""

USEFUL = 10.0
"""Half-width from which on an interval says nothing that is of use."""

FURTHER_TERMS = """\
Total energy of conventional hardware: static power x predicted time is added to the
prediction, idle power x measured time to the measurement. Loihi boards: the power of
the embedded x86 processors, 65 mW as measured on another board (Frady et al. 2020), x
the time measured here, which explains most of what operations leave open.
"""


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean of positive values."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))


def all_predictions() -> list[Prediction]:
    """Return every measured case once, with its prediction."""
    return [
        *conventional_cases.conventional(),
        *conventional_cases.language_models(),
        *conventional_cases.microcontrollers(),
        *conventional_cases.accelerators(),
        *conventional_cases.hardly_measured(),
        *neuromorphic_cases.spinnaker_operations(),
        *neuromorphic_cases.loihi_slope(),
        *neuromorphic_cases.loihi_boards(with_processors=False),
        *neuromorphic_cases.other_boards(),
        *neuromorphic_cases.speck(),
    ]


def other_views() -> list[Prediction]:
    """Return cases again, with more terms of the energy."""
    return [
        *conventional_cases.conventional("total"),
        *neuromorphic_cases.loihi_boards(with_processors=True),
    ]


def by_tier(predictions: Sequence[Prediction]) -> dict[str, list[Prediction]]:
    """Return predictions by tier, in their order."""
    tiers: dict[str, list[Prediction]] = {}
    for prediction in predictions:
        tiers.setdefault(prediction.tier, []).append(prediction)
    return tiers


def closeness(tier: Sequence[Prediction]) -> float:
    """Return how many times closer to 1 the mean factor is than KerasSpiking's."""
    ours = geometric_mean(p.factor for p in tier)
    theirs = geometric_mean(p.keras_spiking_factor or 1.0 for p in tier)
    return (theirs - 1) / (ours - 1)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose first two columns are texts, the others numbers."""
    marks = ["---" if i < 2 else "---:" for i in range(len(header))]
    lines = [header, marks, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def summary(predictions: Sequence[Prediction]) -> str:
    """Return the mean factors of each tier."""
    header = ["tier", "hardware", "cases", "factor", "worst", "within interval"]
    header += ["by others' growth", "half-width", "KerasSpiking", "its worst"]
    header += ["knowing the case"]
    rows = []
    exponents = nested_exponents(predictions)
    for name, tier in by_tier(predictions).items():
        theirs = [p.keras_spiking_factor for p in tier if p.keras_spiking_factor]
        own = [max(p.own / p.measured, p.measured / p.own) for p in tier if p.own]
        hardware = sorted({p.hardware for p in tier})
        widths = [p.half_width for p in tier if p.half_width]
        rows.append(
            [
                name,
                ", ".join(hardware),
                str(len(tier)),
                f"{geometric_mean(p.factor for p in tier):.2f}",
                f"{max(p.factor for p in tier):.1f}",
                f"{coverage(tier):.0%}",
                nested_coverage(tier, exponents),
                f"x{median(widths):.1f}" if widths else "-",
                f"{geometric_mean(theirs):.2f}" if theirs else "-",
                f"{max(theirs):.1f}" if theirs else "-",
                f"{geometric_mean(own):.2f}" if own else "-",
            ]
        )
    return markdown_table(header, rows)


def tier_table(tier: Sequence[Prediction]) -> str:
    """Return the cases of a tier."""
    header = ["hardware", "case", "measured", "predicted", "low", "high", "factor"]
    header += ["KerasSpiking", "its factor"]
    rows = []
    for p in tier:
        theirs = p.keras_spiking
        ends = [] if theirs is None else [format_si(x, "J") for x in theirs]
        rows.append(
            [
                p.hardware,
                p.case,
                format_si(p.measured, "J"),
                format_si(p.nominal, "J"),
                format_si(p.low, "J"),
                format_si(p.high, "J"),
                f"{p.factor:.2f}",
                " to ".join(dict.fromkeys(ends)) or "-",
                f"{p.keras_spiking_factor:.2f}" if theirs else "-",
            ]
        )
    return markdown_table(header, rows)


def page() -> str:
    """Return the whole page."""
    predictions = all_predictions()
    tiers = by_tier(predictions)
    exponents = nested_exponents(predictions).values()
    conventional = tiers["conventional"]
    verdict = VERDICT.format(
        ours=geometric_mean(p.factor for p in conventional),
        theirs=geometric_mean(p.keras_spiking_factor or 1.0 for p in conventional),
        closer=closeness(conventional),
        held=coverage(conventional),
        wide=wide_intervals(predictions),
        with_drift=geometric_mean(
            p.factor
            for p in [*conventional, *tiers["H100, within the drift of its idle power"]]
        ),
    )
    blocks = [
        INTRODUCTION.format(
            exponent=SIZE_EXPONENT,
            kind=KIND_FACTOR,
            least=min(exponents),
            most=max(exponents),
        ),
        f"## Mean factors, {len(predictions)} measured cases",
        FACTORS,
        summary(predictions),
        verdict,
        "## The same cases with further terms",
        FURTHER_TERMS,
        summary(other_views()),
    ]
    for name, tier in tiers.items():
        blocks += [f"## {name[0].upper()}{name[1:]}", tier_table(tier)]
    blocks += [
        "## Loihi, whole board, with x86 power x time",
        tier_table(neuromorphic_cases.loihi_boards(with_processors=True)),
        "## Left out",
        "\n".join(f"- {reason}" for reason in EXCLUSIONS),
    ]
    return "\n\n".join(block.rstrip() for block in blocks) + "\n"


def wide_intervals(predictions: Sequence[Prediction]) -> str:
    """Return a sentence that names the intervals that are too wide to be of use."""
    wide = [p for p in predictions if p.half_width and p.half_width > USEFUL]
    if not wide:
        return f"No interval is wider than {USEFUL:.0f} times to both sides."
    names = ", ".join(dict.fromkeys(f"{p.hardware} ({p.case})" for p in wide))
    return (
        f"{len(wide)} intervals are wider than {USEFUL:.0f} times to both sides, which "
        f"is of little use: {names}."
    )


def coverage(predictions: Sequence[Prediction]) -> float:
    """Return the share of cases that lie within their predicted range."""
    return sum(p.is_inside for p in predictions) / len(predictions)


def holds(prediction: Prediction, exponent: float) -> bool:
    """Tell whether an interval that grows with a power holds its case."""
    if prediction.nominal is None:
        return prediction.is_inside
    width = prediction.width * prediction.growth.factor(exponent)
    return factor(prediction.measured, *[prediction.nominal] * 2) <= width


def growth_exponent(predictions: Sequence[Prediction]) -> float:
    """Return the least power of `EXPONENTS` with which `LEVEL` of intervals hold."""
    shares = {e: mean(holds(p, e) for p in predictions) for e in EXPONENTS}
    return next((e for e, held in shares.items() if held >= LEVEL), EXPONENTS[-1])


def grown(predictions: Iterable[Prediction]) -> list[Prediction]:
    """Return those of a fitted device, whose intervals grow."""
    return [p for p in predictions if p.group and not p.tier.startswith("H100,")]


def nested_exponents(predictions: Sequence[Prediction]) -> dict[str, float]:
    """Return the power that the networks other than each choose."""
    known = grown(predictions)
    return {
        group: growth_exponent([p for p in known if p.group != group])
        for group in dict.fromkeys(p.group for p in known)
    }


def nested_coverage(tier: Sequence[Prediction], exponents: Mapping[str, float]) -> str:
    """Return the share that lies within intervals whose growth others chose."""
    known = grown(tier)
    if not known:
        return "-"
    return f"{mean(holds(p, exponents[p.group]) for p in known):.0%}"


def main() -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", metavar="FILE", help="write the page there")
    path = parser.parse_args().write
    if path is None:
        print(page())
    else:
        Path(path).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
