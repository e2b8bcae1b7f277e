# A queue gives its jobs a run time where they have none of their own; its backoff draws jitter like any other.
t=0    configure  mail max_runtime=10s initial=4s -> ok
t=0    enqueue    a queue=mail                    -> a ready
t=0    enqueue    b queue=mail max_runtime=15s    -> b ready
t=0    lease      mail max=2 by w1                -> a leased #1 (deadline 10s), b leased #1 (deadline 15s)
t=10s  tick                                       -> a retrying (due 14s), b leased
