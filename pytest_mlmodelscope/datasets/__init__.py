"""From files to items: one file per format."""
