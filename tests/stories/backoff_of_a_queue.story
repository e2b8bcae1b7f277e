# A queue may have another backoff: growth, factor and cap come from it where the job is silent.
t=0   configure  mail backoff=exponential initial=2s factor=3 max=10s jitter=no max_attempts=9 -> ok
t=0   enqueue    a queue=mail                             -> a ready
t=0   lease      mail by w1                               -> a leased #1
t=0   nack       a #1                                     -> a retrying (due 2s)
t=2s  tick                                                -> a ready
t=2s  lease      mail by w1                               -> a leased #2
t=2s  nack       a #2                                     -> a retrying (due 8s)
t=8s  tick                                                -> a ready
t=8s  lease      mail by w1                               -> a leased #3
t=8s  nack       a #3                                     -> a retrying (due 18s)
