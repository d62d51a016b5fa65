"""Sweep -> text: all points, and for each device those worth having."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Sequence

from ..common.exceptions import NotFoundError
from ..common.tables import NOTHING, format_bullets, format_si, format_table, wrap

if TYPE_CHECKING:
    from ..common.proportions import Share
    from .results import Sweep, SweepPoint


def format_sweep(sweep: Sweep, max_accuracy_drop: float) -> str:
    """Return the tables of a sweep, the front of each device, and recommendations."""
    settings = sweep.settings
    title = (
        f"Sweep of {len(sweep.points)} points on {settings['n_inferences']} inferences "
        f"(seed {settings['seed']})"
    )
    varied = [name for name, values in sweep.axes.items() if len(values) > 1]
    fixed = {n: v[0] for n, v in sweep.axes.items() if len(v) == 1}
    if fixed:
        title += "\n" + ", ".join(f"{name}={value}" for name, value in fixed.items())
    blocks = [*_warning(sweep), title]
    blocks.append(_points_table(sweep, sweep.points, varied))
    if len(sweep.failed) < len(sweep.points):
        blocks.append(f"Keras model: accuracy {sweep.keras_accuracy:.1%}")
        blocks += [
            _choice(sweep, device, varied, max_accuracy_drop)
            for device in sweep.devices
        ]
    if sweep.failed:
        sentences = [
            ", ".join([*_setting_words(p, varied), str(p.error)]) for p in sweep.failed
        ]
        blocks.append(format_bullets("Failed", sentences))
    return "\n\n".join(blocks)


def _points_table(
    sweep: Sweep, points: Sequence[SweepPoint], varied: Sequence[str]
) -> str:
    labels = _columns([varied, *([p.settings[n] for n in varied] for p in points)])
    header = [labels[0], "accuracy", "spikes", "synops", *sweep.devices]
    body = [
        [
            label,
            NOTHING if p.accuracy is None else _share(p.accuracy),
            NOTHING if p.spikes is None else f"{p.spikes:,.0f}",
            NOTHING if p.synops is None else f"{p.synops:,.0f}",
            *(
                NOTHING if p.estimate is None else format_si(p.estimate.total(d), "J")
                for d in sweep.devices
            ),
        ]
        for label, p in zip(labels[1:], points)
    ]
    return format_table([header], body)


def _choice(
    sweep: Sweep, device: str, varied: Sequence[str], max_accuracy_drop: float
) -> str:
    """Return the Pareto front of energy against accuracy, and the recommendation."""
    front = sweep.pareto(device)
    points = [sweep.points[i] for i in front.index]
    if not points:
        return f"{device}: {_recommended(sweep, device, varied, max_accuracy_drop)}"
    lines = [
        f"{device}: Pareto front of energy against accuracy",
        _points_table(sweep, points, varied),
    ]
    lines.append(_recommended(sweep, device, varied, max_accuracy_drop))
    return "\n".join(lines)


def _recommended(
    sweep: Sweep, device: str, varied: Sequence[str], max_accuracy_drop: float
) -> str:
    try:
        best, missed = sweep.choose(device, max_accuracy_drop)
    except NotFoundError as error:
        return _capital(str(error))
    words = ", ".join(_setting_words(best, varied)) or "the only point"
    within = f"Cheapest within {max_accuracy_drop:.1%} of the Keras model"
    return f"{_capital(missed) or within}: {words}"


def format_recommendations(sweep: Sweep, max_accuracy_drop: float) -> str:
    """Return what is recommended for each device, and before it what is dead."""
    varied = [name for name, values in sweep.axes.items() if len(values) > 1]
    lines = [
        f"{device}: {_recommended(sweep, device, varied, max_accuracy_drop)}"
        for device in sweep.devices
    ]
    return "\n".join([*_warning(sweep), *lines])


def _warning(sweep: Sweep) -> list[str]:
    """Return a block on points that nobody wants, if there are any."""
    n_dead = sum(point.dead for point in sweep.points)
    if not n_dead:
        return []
    words = (
        f"Warning: {n_dead} of {len(sweep.points)} points have silent layers, or "
        "decide no better than by guessing; they are on no front, and never "
        "recommended."
    )
    return [wrap(words)]


def _share(accuracy: Share) -> str:
    low, high = accuracy.interval
    return f"{accuracy.value:.1%} ({low:.1%} to {high:.1%})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _setting_words(point: SweepPoint, varied: Sequence[str]) -> list[str]:
    return [f"{name}={point.settings[name]}" for name in varied]


def _columns(rows: Sequence[Sequence[Any]]) -> list[str]:
    """Return rows as one text each, their parts below each other."""
    texts = [[str(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts)]
    return ["  ".join(t.ljust(w) for t, w in zip(row, widths)) for row in texts]
