"""Manifests of models and datasets: loaded, checked, and their files fetched and kept."""
