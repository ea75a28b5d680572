"""Pages in a real browser. A package, so that its browser ends when its tests do."""
