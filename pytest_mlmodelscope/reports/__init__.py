"""One file a report: a session, or the difference of two records, as text."""
