"""Counts x device -> `EnergyEstimate`."""
