"""Comparison -> text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..common.tables import (
    NOTHING,
    format_bullets,
    format_setting,
    format_si,
    format_table,
    plural,
    wrap,
)
from ..common.vital_signs import format_alerts
from ..estimates.ranking import conclusion, known_interval

if TYPE_CHECKING:
    from .results import Comparison, LayerComparison, OutputComparison

INTERVALS = "Shares are followed by their Wilson 95 % confidence interval."
NETWORKS = {"dense": "Keras model", "event": "converted network"}
"""Which network a device of each kind runs."""


def format_comparison(comparison: Comparison) -> str:
    """Return what a comparison says, its tables, and how many notes there are."""
    n_notes = plural(len(comparison.assumptions), "note")
    last = f"{n_notes}: print(comparison.notes()), -v on the command line"
    return f"{format_tables(comparison)}\n\n{last}"


def format_tables(comparison: Comparison) -> str:
    """Return what a comparison says, then its tables."""
    blocks = [
        format_conclusion(comparison),
        wrap(_title(comparison)),
        _outputs_table(comparison),
    ]
    if any(output.agreement for output in comparison.outputs):
        blocks.append(INTERVALS)
    blocks += [_curve_table(output) for output in comparison.outputs if output.curve]
    blocks += [_layers_table(comparison), _energy_table(comparison)]
    return "\n\n".join(blocks)


def format_conclusion(comparison: Comparison) -> str:
    """Return what a comparison says, and before it what makes it worthless."""
    n = comparison.settings["n_inferences"]
    lines = []
    for output in comparison.outputs:
        of = f" of {output.output}" if len(comparison.outputs) > 1 else ""
        if output.accuracy is not None:
            lines.append(
                f"Accuracy{of}: {output.keras_accuracy} as Keras, "
                f"{output.accuracy} spiking, of {n:,} in "
                f"{comparison.timesteps} timesteps."
            )
        elif output.agreement is not None:
            lines.append(
                f"Both networks{of} decide alike on {output.agreement} of "
                f"{n:,} inferences of {comparison.timesteps} timesteps."
            )
    lines += conclusion(comparison.estimate)
    warnings = format_alerts(comparison.assumptions)
    return "\n".join([*warnings, *(wrap(line) for line in lines)])


def format_notes(comparison: Comparison) -> str:
    """Return what a comparison takes for granted."""
    sentences = [str(assumption) for assumption in comparison.assumptions]
    return format_bullets("Assumptions", sentences)


def _title(comparison: Comparison) -> str:
    settings = comparison.settings
    dt = settings["dt"]
    details = [
        f"{settings['n_inferences']} inferences of {comparison.timesteps} timesteps of "
        f"{1000 * float(dt):g} ms",  # type: ignore[arg-type]
        f"simulator {settings['simulator']}",
    ]
    for name in ("scale_firing_rates", "synapse"):
        if settings.get(name) is not None:
            details.append(f"{name} {format_setting(settings[name])}")
    return f"Keras model beside converted network ({', '.join(details)})"


def _outputs_table(comparison: Comparison) -> str:
    header = ["output", "Keras accuracy", "converted accuracy", "agreement"]
    header += ["correlation", "rel. error"]
    body = [
        [
            output.output,
            *(
                NOTHING if share is None else str(share)
                for share in (output.keras_accuracy, output.accuracy, output.agreement)
            ),
            _number(output.correlation),
            _number(output.relative_error),
        ]
        for output in comparison.outputs
    ]
    return format_table([header], body)


def _curve_table(output: OutputComparison) -> str:
    header = ["timesteps", *(f"{point.timesteps}" for point in output.curve)]
    agreement = [f"{point.agreement.value:.1%}" for point in output.curve]
    body = [["agreement", *agreement]]
    accuracy = [f"{p.accuracy.value:.1%}" for p in output.curve if p.accuracy]
    if accuracy:
        body.insert(0, ["accuracy", *accuracy])
    return format_table([header], body)


def _layers_table(comparison: Comparison) -> str:
    header = ["layer", "neurons", "correlation", "rel. error", "mean Hz", "p5", "p50"]
    header += ["p95", "max", "silent", "saturated", "peak", "Keras zeros", "no spike"]
    return format_table([header], [_row(x) for x in comparison.layers])


def _row(layer: LayerComparison) -> list[str]:
    rates = (
        layer.firing_rate,
        layer.firing_rate_p5,
        layer.firing_rate_p50,
        layer.firing_rate_p95,
        layer.firing_rate_max,
    )
    return [
        layer.layer,
        f"{layer.n_neurons:,}",
        _number(layer.correlation),
        _number(layer.relative_error),
        *(f"{rate:.1f}" for rate in rates),
        f"{layer.silent:.1%}",
        f"{layer.saturated:.1%}",
        f"{layer.peak}",
        f"{layer.keras_sparsity:.1%}",
        f"{layer.spiking_sparsity:.1%}",
    ]


def _energy_table(comparison: Comparison) -> str:
    estimate = comparison.estimate
    header = ["device", "runs the", "energy", "low", "high", "latency"]
    body = [
        [
            model.name,
            NETWORKS[model.kind],
            format_si(estimate.total(model), "J"),
            *(
                format_si(end, "J")
                for end in known_interval(estimate, model.name) or 2 * [None]
            ),
            format_si(estimate.latency(model), "s"),
        ]
        for model in estimate.models
    ]
    return format_table([header], body)


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"
