"""The server: jobs in, leases out, over HTTP; it imports nothing of the SDK."""
