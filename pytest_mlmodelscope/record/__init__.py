"""What came of a session, as files: the benchmark JSON, baselines, and the diff of two records."""
