"""`EnergyLogger`: energy per inference beside the loss, while a model is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Sequence

from ..common.checks import check_count
from ..compat import import_tensorflow, import_tf_keras
from ..devices import get

if TYPE_CHECKING:
    from ..devices import Device
    from ..estimates.estimate import EnergyEstimate


class EnergyLogger:
    """Keras callback that logs the energy of the network that is being trained.

    After an epoch the model is converted, its spikes are measured on a few examples,
    and the energy on each device is put into ``logs`` as ``"energy <device>"``
    [J per inference], beside the loss: history, TensorBoard, Weights & Biases and
    MLflow get it from there, where they come behind it in ``callbacks``. It serves
    models of Keras 2 and of Keras 3, and takes as long as their conversion and a
    measurement do.

    Parameters
    ----------
    example_data : numpy.ndarray, or dict or list of them
        Inputs to measure with; a few tens will do.
    devices : sequence of str or Device
        Devices to price on.
    every : int
        Epochs from one measurement to the next.
    timesteps : int
        Timesteps per inference.
    host : str or Device, optional
        Who does the host's work; see `nengo_energy.SpikingModel.estimate`.
    **convert_options
        Passed on to `nengo_energy.convert`; by default ``scale_firing_rates="auto"``.

    Attributes
    ----------
    estimates : dict of {int: EnergyEstimate}
        By epoch, from 0, all that was estimated.

    Raises
    ------
    NotFoundError
        If a device isn't known.
    InputError
        If ``every`` or ``timesteps`` is no number of at least one.

    Examples
    --------
    >>> import numpy as np, tf_keras
    >>> from nengo_energy import EnergyLogger
    >>> layers = [tf_keras.layers.Dense(8, "relu"), tf_keras.layers.Dense(1)]
    >>> model = tf_keras.Sequential([tf_keras.Input((4,)), *layers])
    >>> model.compile(loss="mse")
    >>> x, y = np.ones((16, 4)), np.ones(16)
    >>> fitted = model.fit(
    ...     x, y, verbose=0, callbacks=[EnergyLogger(x[:2], ["loihi"], timesteps=10)]
    ... )
    >>> sorted(fitted.history)
    ['energy loihi', 'loss']
    """

    model: Any
    """The model that is trained; Keras sets it."""

    def __new__(cls, *args: Any, **kwargs: Any) -> EnergyLogger:
        return object.__new__(_as_callback(cls))

    def __init__(
        self,
        example_data: Any,
        devices: Sequence[str | Device] = ("cpu", "loihi"),
        *,
        every: int = 1,
        timesteps: int = 50,
        host: str | Device | None = None,
        **convert_options: Any,
    ) -> None:
        super().__init__()
        check_count("every", every)
        check_count("timesteps", timesteps)
        chosen = [devices] if isinstance(devices, str) else list(devices)
        self.devices = [get(d) if isinstance(d, str) else d for d in chosen]
        self.example_data = example_data
        self.every, self.timesteps, self.host = every, timesteps, host
        self.convert_options = {"scale_firing_rates": "auto", **convert_options}
        self.estimates: dict[int, EnergyEstimate] = {}

    def __repr__(self) -> str:
        names = ", ".join(device.name for device in self.devices)
        return f"<EnergyLogger: {names}, {len(self.estimates)} epochs estimated>"

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure the model as it is now, and log its energies."""
        from ..conversion.converting import convert

        if (epoch + 1) % self.every:
            return
        data = self.example_data
        snn = convert(self.model, example_data=data, **self.convert_options)
        activity = snn.measure(data, timesteps=self.timesteps, progress=False)
        estimate = snn.estimate(activity, self.devices, host=self.host)
        self.estimates[epoch] = estimate
        if logs is not None:
            for name in estimate.devices:
                logs[f"energy {name}"] = estimate.total(name)


def _as_callback(cls: type) -> Any:
    """Return a class as a callback of each Keras that is installed."""
    both = (import_tensorflow().keras, import_tf_keras())
    callbacks = dict.fromkeys(keras.callbacks.Callback for keras in both)
    return type(cls.__name__, (cls, *callbacks), {"__doc__": cls.__doc__})
