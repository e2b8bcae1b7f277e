"""The least that a queue over HTTP in Python can be: it bounds latencies. Run by bench/comparison/relay.py."""
