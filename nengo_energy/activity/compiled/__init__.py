"""A simulator of our own: layer after layer, in compiled loops.

Nothing leads back in what conversion makes, so a layer can run over many timesteps before
the next one does. Spikes are events, so that time is spent on what happens: neurons are
advanced in every timestep, and each spike passes its own weights. `program.Program` is a
network that is ready to run; it needs numba, and no TensorFlow.
"""
