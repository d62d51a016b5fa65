"""`EnergyEstimate` and its views: frames, text, files, figures, differences."""
