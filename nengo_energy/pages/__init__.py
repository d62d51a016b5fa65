"""Results as one HTML page: cards, charts and tables, nothing loaded from anywhere."""
