"""Keras model -> `SpikingModel`, through NengoDL's converter."""
