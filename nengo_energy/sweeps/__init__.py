"""Explore settings: energy against accuracy over a grid, from few simulations."""
