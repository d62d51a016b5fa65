"""Keras model -> `SpikingModel`, by NengoDL's converter; NIR graph -> `NIRModel`."""
