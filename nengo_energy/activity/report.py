"""Activity -> frame and text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..common.tables import format_table
from ..common.vital_signs import format_alerts

if TYPE_CHECKING:
    import pandas

    from .activity import Activity


def activity_frame(activity: Activity) -> pandas.DataFrame:
    """Return what each population did as a frame in SI units.

    Parameters
    ----------
    activity : Activity
        What to tabulate.

    Returns
    -------
    pandas.DataFrame
        One row per population: ``population``, ``n_neurons``, ``spikes`` and their
        ``std`` over inferences [1/inf], ``firing_rate`` of the mean neuron and of the
        fastest one [Hz], ``silent``, the share of neurons that never spiked, and
        ``peak``, the most spikes of a neuron in one timestep.
    """
    import pandas as pd

    rows = []
    for name, measured in activity.populations.items():
        rates = activity.firing_rates(name)
        series = measured.spikes_per_inference
        rows.append(
            {
                "population": name,
                "n_neurons": measured.n_neurons,
                "spikes": float(series.mean()),
                "std": float(series.std(ddof=1)) if len(series) > 1 else 0.0,
                "firing_rate": float(rates.mean()),
                "firing_rate_max": float(rates.max()),
                "silent": float((measured.spikes == 0).mean()),
                "peak": measured.peak,
            }
        )
    frame = pd.DataFrame(rows)
    frame.attrs["units"] = {
        "spikes": "1/inf",
        "std": "1/inf",
        "firing_rate": "Hz",
        "firing_rate_max": "Hz",
    }
    return frame


def format_activity(activity: Activity) -> str:
    """Return a table of what each population did."""
    header = ["population", "neurons", "spikes/inf", "std", "mean Hz", "max Hz"]
    header += ["silent", "peak"]
    body = [
        [
            str(row.population),
            f"{row.n_neurons:,}",
            f"{row.spikes:,.1f}",
            f"{row.std:,.1f}",
            f"{row.firing_rate:.1f}",
            f"{row.firing_rate_max:.1f}",
            f"{row.silent:.1%}",
            f"{row.peak}",
        ]
        for row in activity_frame(activity).itertuples()
    ]
    skipped = f" after {activity.warmup} of warm-up" if activity.warmup else ""
    title = (
        f"Activity by {activity.simulator}, {activity.n_inferences:,} inferences of "
        f"{activity.timesteps} timesteps of {1000 * activity.dt:g} ms{skipped}"
    )
    if not body:
        return f"{title}\n\nThe network has no neurons: its nodes are the host's."
    table = format_table([header], body)
    return "\n\n".join([*format_alerts(activity.alerts), title, table])
