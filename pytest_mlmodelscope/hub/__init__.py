"""The hub: one process that shows, takes and makes results, by REST and as web pages."""
