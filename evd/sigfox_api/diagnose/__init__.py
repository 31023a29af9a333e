"""`evd sigfox check`: `probe` follows a callback's path from the outside, `verdicts` rates each step."""
