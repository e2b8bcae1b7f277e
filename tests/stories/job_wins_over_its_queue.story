# The request wins over the job, the job over its queue, that over the server: field by field.
t=0   configure  mail lease=10s max_attempts=2 backoff=constant initial=5s jitter=no max_crashes=1 -> ok
t=0   enqueue    a queue=mail lease=20s initial=7s max_crashes=9 -> a ready (max_attempts 2, max_crashes 9)
t=0   enqueue    b queue=mail                             -> b ready
t=0   lease      mail by w1                               -> a leased #1 (deadline 20s)
t=0   lease      mail by w1                               -> b leased #1 (deadline 10s)
t=1s  nack       a #1                                     -> a retrying (due 8s)
t=1s  nack       b #1                                     -> b retrying (due 6s)
t=8s  tick                                                -> a ready, b ready
t=8s  lease      mail ttl=3s by w1                        -> b leased #2 (deadline 11s)
t=9s  lease      mail by w1                               -> a leased #2
t=9s  nack       a #2                                     -> a dead (reason max_attempts)
