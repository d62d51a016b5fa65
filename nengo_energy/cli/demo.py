"""The main job on real data: handwritten digits, from training to Loihi's emulator."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activity.activity import Activity
from ..common.exceptions import InputError, MissingDependencyError
from ..common.file_output import check_writable, replaced
from ..common.progress import progress_bar
from ..common.tables import format_table
from ..compat import import_tensorflow
from ..conversion.converting import convert
from ..estimates.report import (
    format_conclusion,
    format_layers,
    format_tables,
    ranking_table,
)

if TYPE_CHECKING:
    from ..conversion.spiking_model import SpikingModel

N_EPOCHS = 15
N_EMULATED = 50
TIMESTEPS = 50
SCALE_FIRING_RATES = 200
SYNAPSE = 0.005


@dataclass(frozen=True)
class Digits:
    """Handwritten digits of 8 x 8 pixels between 0 and 1, and their labels.

    Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI
    Machine Learning Repository, 1998, doi:10.24432/C50P49, as scikit-learn ships it.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def load_digits() -> Digits:
    """Return 1,347 digits to train on and 450 to test on, drawn with a fixed seed."""
    try:
        from sklearn import datasets, model_selection
    except ImportError as error:
        raise MissingDependencyError(
            'the demo needs scikit-learn: pip install "nengo-energy[demo]"'
        ) from error
    images, labels = datasets.load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 8, 8, 1).astype("float32")
    parts = model_selection.train_test_split(
        images, labels, test_size=450, random_state=0, stratify=labels
    )
    return Digits(parts[0], parts[2], parts[1], parts[3])


def train_digits_model(
    digits: Digits, n_epochs: int | None = None, progress: bool | None = None
) -> Any:
    """Train a small convolutional network with biases and average pooling.

    Parameters
    ----------
    digits : Digits
        What to train on.
    n_epochs : int, optional
        Passes over the data, `N_EPOCHS` by default.
    progress : bool, optional
        Show a progress bar; by default in a terminal.

    Returns
    -------
    keras.Model
        Of the Keras that TensorFlow brings.
    """
    n_epochs = N_EPOCHS if n_epochs is None else n_epochs
    keras = import_tensorflow().keras
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(16, 3, activation="relu", name="conv_1")(image)
    x = layers.Conv2D(32, 3, activation="relu", name="conv_2")(x)
    x = layers.AveragePooling2D(2, name="pool")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(64, activation="relu", name="dense")(x)
    digit = layers.Dense(10, name="digit")(x)
    model = keras.Model(image, digit, name="digits_cnn")
    model.compile(
        optimizer=keras.optimizers.Adam(2e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    with progress_bar(n_epochs, "training", progress, unit="epoch") as tick:
        done = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: tick(1))
        model.fit(
            digits.x_train,
            digits.y_train,
            batch_size=32,
            epochs=n_epochs,
            callbacks=[done],
            verbose=0,
        )
    return model


def make_folder(path: str) -> Path:
    """Return a folder that the demo may write to, which is made if it isn't there."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path!r} can't be made: {error.strerror or error}") from None
    check_writable(folder / "estimate.json")
    return folder


def run_demo(
    folder: Path | None = None, verbose: bool = False, progress: bool | None = None
) -> str:
    """Do the main job, and return what comes out, the conclusion first.

    Parameters
    ----------
    folder : Path, optional
        Where model, data, estimate and report are written.
    verbose : bool
        Give all tables and notes.
    progress : bool, optional
        Show progress bars; by default in a terminal.
    """
    digits = load_digits()
    model = train_digits_model(digits, progress=progress)
    x, y = digits.x_test, digits.y_test
    snn = convert(model, scale_firing_rates=SCALE_FIRING_RATES, synapse=SYNAPSE)
    activity = snn.measure(x, TIMESTEPS, labels=y, progress=progress)
    estimate = snn.estimate(activity)
    few = slice(N_EMULATED)
    emulated = snn.measure(x[few], TIMESTEPS, simulator="loihi", progress=progress)
    same = snn.measure(x[few], TIMESTEPS, progress=False)
    if folder is not None:
        _write(folder, model, digits, activity, estimate)
    network = (
        f"A CNN of {model.count_params():,} parameters, trained on "
        f"{len(digits.y_train):,} handwritten digits;\nas a network of "
        f"{snn.topology.n_neurons:,} spiking neurons with "
        f"{snn.topology.n_synapses:,} synapses, "
        f"scale_firing_rates={SCALE_FIRING_RATES}."
    )
    parts = [
        f"{format_conclusion(estimate)}\n{network}",
        format_layers(estimate),
        f"{ranking_table(estimate)}",
        f"On nengo_loihi.Simulator (emulator), first {N_EMULATED} test digits: "
        f"{emulated.accuracy(y[few]):.1%} right\n{_spikes_beside(emulated, same)}",
        _one_digit(snn, model, digits),
    ]
    if verbose:
        parts += [f"{activity}", format_tables(estimate), estimate.notes()]
    if folder is not None:
        parts.append(f"Written to {folder}: {', '.join(sorted(WRITTEN))}")
    last = "" if verbose else "Activity, more columns, all notes: nengo-energy demo -v"
    return "\n\n".join(filter(None, [*parts, last]))


def _one_digit(snn: SpikingModel, model: Any, digits: Digits) -> str:
    """Return what the deployed network says of one digit, read off by hand."""
    with snn.simulator("loihi", digits.x_test[0]) as sim:
        sim.run_steps(TIMESTEPS)
        output = sim.data[snn.outputs[model.output]]
    scores = output[TIMESTEPS // 2 :].mean(axis=0)
    return (
        f"One digit by hand: sim.data[snn.outputs[model.output]] has shape "
        f"{output.shape};\nits mean over the second half says "
        f"{int(np.argmax(scores))}, the label is {int(digits.y_test[0])}."
    )


WRITTEN = ("digits.keras", "test.npz", "estimate.json", "report.html")
"""Files of `--output`; the last where what it needs is installed."""


def _write(
    folder: Path, model: Any, digits: Digits, activity: Activity, estimate: Any
) -> None:
    from ..pages.writing import write_report

    with replaced(folder / WRITTEN[0]) as part:
        model.save(part)
    with replaced(folder / WRITTEN[1]) as part:
        np.savez(part, x=digits.x_test, y=digits.y_test)
    estimate.to_json(folder / WRITTEN[2])
    with contextlib.suppress(MissingDependencyError):
        write_report(folder / WRITTEN[3], estimate, activity=activity)


def _spikes_beside(emulated: Activity, simulated: Activity) -> str:
    """Return the spikes per inference of each layer, emulator beside simulation."""
    header = ["spikes per digit", "emulator", simulated.simulator]
    body = [
        [
            name,
            *(
                f"{np.mean(a.populations[name].spikes_per_inference):,.1f}"
                for a in (emulated, simulated)
            ),
        ]
        for name in emulated.populations
    ]
    return format_table([header], body)
