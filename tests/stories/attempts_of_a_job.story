# Each delivery that was worked on is kept, how it ended, and the last or present one.
t=0    enqueue   a queue=mail max_runtime=25s initial=1s jitter=no max_attempts=9 -> a ready
t=0    attempts  a                                        -> nothing
t=0    lease     mail ttl=10s by w1                       -> a leased #1
t=1s   attempts  a                                        -> running 1
t=10s  tick                                               -> a ready
t=10s  attempts  a                                        -> crashed 1
t=10s  lease     mail ttl=30s by w1                       -> a leased #2
t=35s  tick                                               -> a retrying
t=36s  tick                                               -> a ready
t=36s  lease     mail by w2                               -> a leased #3
t=37s  nack      a #3 in=1s                               -> a retrying
t=38s  tick                                               -> a ready
t=38s  lease     mail by w2                               -> a leased #4
t=38s  attempts  a                                        -> crashed 1, timed_out 1, failed 2, running 3
t=39s  ack       a #4                                     -> a succeeded
t=39s  attempts  a                                        -> crashed 1, timed_out 1, failed 2, succeeded 3
t=2h   tick                                              -> a gone
