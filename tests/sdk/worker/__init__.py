"""The worker runtime: its decisions, its child process, and whole workers against a real server."""
