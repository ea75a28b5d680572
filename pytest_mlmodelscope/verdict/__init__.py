"""From figures to verdicts: pure functions, no files, no processes, no clocks."""
