"""The harness of bench/compare.py: how it counts and judges, and that it runs. No test looks at a time it measured."""
