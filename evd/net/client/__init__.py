"""What evd sends: one HTTP client for few requests, and the pool that pushes go through."""
