"""From a YAML file to claims, and from claims to cases."""
