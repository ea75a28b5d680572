"""One file for each format of model files: what goes in and what comes out, read off the file."""
