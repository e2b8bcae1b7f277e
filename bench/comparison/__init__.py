"""The harness of bench/compare.py; it must not know how any queue works: bench/peers does.

roster: who takes part, and how each is started; installing: an environment for each; stage: store, server, producer and
worker of one run; heats: what is measured on a stage; own: figures of Headrace alone; bounds: what the parts could do
alone; goals: what was to be reached; record: raw numbers; report: the tables.
"""
