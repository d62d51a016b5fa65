"""Commands that run many networks, or one as it is deployed: sweep, deploy."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..common.exceptions import InputError
from ..common.frame_records import frame_records, to_json
from ..compat.quiet import import_tensorflow_quietly
from .checking import as_options, check_grid
from .data_files import load_grid
from .graphs import deploy_graph, is_graph
from .preparing import (
    DEFAULT_Y,
    convert_model,
    load_data,
    print_csv,
    read_model,
    timing,
    warn,
)

if TYPE_CHECKING:
    from ..activity.activity import Activity
    from ..estimates.estimate import EnergyEstimate
    from ..loihi.comparison import EnergyDifference
    from ..loihi.ledger import Ledger


def run_sweep(options: argparse.Namespace) -> None:
    """Measure accuracy and energy over a grid."""
    grid, convert_options = load_grid(options.grid)
    check_grid(grid)
    options.y = options.y or DEFAULT_Y  # a sweep can't do without
    x, labels = load_data(options)
    import_tensorflow_quietly()
    from ..sweeps.exploring import sweep
    from ..sweeps.text import format_recommendations

    found = sweep(
        read_model(options),
        x,
        labels,
        grid,
        host=options.host,
        on_host=options.on_host,
        convert_options=convert_options,
        checkpoint=options.checkpoint,
        chunk_size=options.chunk_size,
        scheduler=options.scheduler,
        n_workers=options.workers,
        seed=options.seed,
        progress=False if options.quiet else None,
    )
    if len(found.failed) == len(found.points):
        raise InputError(
            f"all {len(found.points)} points failed; the first: {found.points[0].error}"
        )
    if options.format == "table" and options.quiet:
        print(as_options(format_recommendations(found, options.max_accuracy_drop)))
    elif options.format == "table":
        print(as_options(found.summary(options.max_accuracy_drop)))
    elif options.format == "json":
        print(found.to_json())
    else:
        print_csv(found.to_frame())


def run_deploy(options: argparse.Namespace) -> None:
    """Run a converted network on NengoLoihi's emulator."""
    if is_graph(options):
        return deploy_graph(options)
    x, labels = load_data(options)
    snn = convert_model(options, x)
    activity = snn.measure(
        x, simulator="loihi", labels=labels, on_host=options.on_host, **timing(options)
    )
    estimate = snn.estimate(
        activity, options.device, host=options.host, on_host=options.on_host
    )
    counts = snn.count(activity, on_host=options.on_host)
    assert counts.deployment is not None
    # neurons of NengoLoihi's own that encode the input are in no activity
    spikes = x if counts.deployment.encoded else activity
    ledger = snn.ledger(
        spikes,
        options.timesteps,
        dt=options.dt,
        on_host=options.on_host,
        progress=False if options.quiet else None,
    )
    differences = [
        ledger.explain(counts, model) for model in estimate.models if model.spike_input
    ]
    if options.format == "table":
        print(as_options(_shown(options, activity, ledger, estimate, differences)))
        return
    warn(estimate.alerts)
    if options.format == "csv":
        print_csv(estimate.to_frame())
        return
    accuracy = None if labels is None else activity.accuracy(labels)
    content = _content(accuracy, activity, ledger, estimate, differences)
    print(to_json("deployment", content))


def _shown(
    options: argparse.Namespace,
    activity: Activity,
    ledger: Ledger,
    estimate: EnergyEstimate,
    differences: list[EnergyDifference],
) -> str:
    """Return as much of a deployment as was asked for, the conclusion first."""
    from ..estimates.report import format_conclusion, format_tables
    from ..loihi.report import format_deployment, format_layers

    begin = format_deployment(ledger, differences)
    if options.quiet:
        return f"{format_conclusion(estimate)}\n{begin}"
    parts = [
        f"{format_conclusion(estimate)}\n{begin}\n{ledger.bottleneck()}",
        format_layers(ledger),
        f"{ledger.costs()}",
    ]
    if options.verbose:
        parts += [f"{activity}", f"Ledger of the chip\n\n{ledger}"]
        parts += [format_tables(estimate), *map(str, differences), estimate.notes()]
    else:
        parts.append("Activity, energy by layer, differences and notes: -v")
    return "\n\n".join(parts)


def _content(
    accuracy: float | None,
    activity: Activity,
    ledger: Ledger,
    estimate: EnergyEstimate,
    differences: list[EnergyDifference],
) -> dict[str, Any]:
    """Return all of a deployment, to be written as JSON."""
    return {
        "settings": estimate.settings,
        "accuracy": accuracy,
        "activity": frame_records(activity.to_frame()),
        "ledger": frame_records(ledger.to_frame()),
        "costs": frame_records(ledger.costs().to_frame()),
        "rows": frame_records(estimate.to_frame()),
        "differences": [
            {
                "device": found.device,
                "estimate": found.estimate,
                "steps": dict(found.steps),
                "ledger": found.ledger,
                "notes": found.notes,
            }
            for found in differences
        ],
        "assumptions": [str(assumption) for assumption in estimate.assumptions],
    }
