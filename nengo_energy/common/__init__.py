"""What all packages share; it knows nothing of networks or energy."""
