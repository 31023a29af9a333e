"""The HTTP API on quart-trio: legacy routes, administration, health."""
