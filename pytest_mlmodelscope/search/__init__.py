"""The search for an input that breaks a promise: drawn from a domain, and made as small as can be."""
