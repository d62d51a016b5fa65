"""Keras model -> `SpikingModel`, through NengoDL's converter; NIR graph -> `NIRModel`."""
