"""One module for each task queue of the comparison; each runs in an environment of its own, so these import little.

A module offers `one(payload)`, `left()` and, where the queue has a form for many jobs in one call, `many(payloads)`;
plain or `async`. `driver` calls them, and a worker finds its task by the module's name. `job` holds their settings.
"""
