"""A simulator of our own: layer after layer, in compiled loops.

Nothing leads back in what conversion makes, so a layer can run over many timesteps
before the next one does. Neurons are advanced in every timestep, but spikes are events
that pass their own weights, so that time is spent on what happens. `program.Program` is
a network that is ready to run; it needs numba, and no TensorFlow.
"""
