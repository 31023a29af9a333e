"""`evd sigfox check`: `probe` walks a callback's way from the outside, `verdicts` says what to do."""
