"""Jobs: what somebody asks a hub to do, put into a queue, run by workers, and followed while it runs."""
