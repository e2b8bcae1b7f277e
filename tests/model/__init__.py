"""The second opinion: a plain model of the engine, and the tests that play both."""
