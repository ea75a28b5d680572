"""From predictions, timings and files to one figure: one file per metric."""
