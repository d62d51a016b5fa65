"""Run a network on a simulator -> integer spike counts, in constant memory."""
