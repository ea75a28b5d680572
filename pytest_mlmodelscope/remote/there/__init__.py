"""Programs that run on another machine, each by itself: one file, stdlib only, in Python 3.6's syntax."""
