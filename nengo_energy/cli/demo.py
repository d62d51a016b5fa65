"""The main job on real data: handwritten digits, from training to Loihi's emulator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

from ..activity.activity import Activity
from ..common.exceptions import MissingDependencyError
from ..common.progress import progress_bar
from ..compat import import_tensorflow
from ..conversion.converting import convert

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


def run_demo(say: Callable[[str], None], progress: bool | None = None) -> None:
    """Do the main job, and say what comes out.

    Parameters
    ----------
    say : callable
        Takes each line or block of text.
    progress : bool, optional
        Show progress bars; by default in a terminal.
    """
    digits = load_digits()
    model = train_digits_model(digits, progress=progress)
    guesses = np.argmax(model.predict(digits.x_test, verbose=0), axis=-1)
    keras_accuracy = float(np.mean(guesses == digits.y_test))
    snn = convert(model, scale_firing_rates=SCALE_FIRING_RATES, synapse=SYNAPSE)
    activity = snn.measure(digits.x_test, TIMESTEPS, progress=progress)
    say(
        f"A CNN of {model.count_params():,} parameters, trained on "
        f"{len(digits.y_train):,} handwritten digits, and converted to "
        f"{snn.topology.n_neurons:,} spiking neurons with "
        f"{snn.topology.n_synapses:,} synapses.\n"
    )
    say(
        f"Accuracy on {len(digits.y_test)} test digits\n"
        f"  Keras model        {keras_accuracy:.1%}\n"
        f"  spiking network    {activity.accuracy(digits.y_test):.1%}   "
        f"{TIMESTEPS} timesteps, scale_firing_rates={SCALE_FIRING_RATES}\n"
    )
    say(f"{activity}\n")
    say(f"{snn.estimate(activity)}\n")

    emulated = snn.measure(
        digits.x_test[:N_EMULATED], TIMESTEPS, simulator="loihi", progress=progress
    )
    same = snn.measure(digits.x_test[:N_EMULATED], TIMESTEPS, progress=False)
    accuracy = emulated.accuracy(digits.y_test[:N_EMULATED])
    say(
        f"The same object on nengo_loihi.Simulator (emulator), first {N_EMULATED} test "
        f"digits\n  accuracy           {accuracy:.1%}\n"
        f"{_spikes_beside(emulated, same)}\n"
    )
    with snn.simulator("loihi", digits.x_test[0]) as sim:
        sim.run_steps(TIMESTEPS)
        output = sim.data[snn.outputs[model.output]]
    scores = output[TIMESTEPS // 2 :].mean(axis=0)
    say(
        f"One digit by hand: sim.data[snn.outputs[model.output]] has shape "
        f"{output.shape};\nits mean over the second half says "
        f"{int(np.argmax(scores))}, the label is {int(digits.y_test[0])}:\n  "
        + "  ".join(f"{k}: {score:+.1f}" for k, score in enumerate(scores))
    )


def _spikes_beside(emulated: Activity, simulated: Activity) -> str:
    """Return the spikes per inference of each layer, emulator beside simulation."""
    lines = ["  spikes per digit   emulator   NengoDL"]
    for name, measured in emulated.populations.items():
        counts = [
            float(np.mean(m.spikes_per_inference))
            for m in (measured, simulated.populations[name])
        ]
        lines.append(f"  {name:<17s} {counts[0]:9,.1f} {counts[1]:9,.1f}")
    return "\n".join(lines)
