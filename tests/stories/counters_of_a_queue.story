# Whatever becomes of jobs is counted, once, for their queue and for their task.
t=0     enqueue  a b c d queue=mail task=send      -> a ready, b ready, c ready, d ready
t=0     enqueue  e queue=mail task=bill delay=10s  -> e scheduled
t=1s    lease    mail max=3 ttl=5s by w1           -> a leased #1, b leased #1, c leased #1
t=2s    ack      a #1                              -> a succeeded
t=3s    nack     b #1 in=2s                        -> b retrying
t=6s    tick                                       -> b ready, c ready (crash 1)
t=7s    lease    mail max=2 by w1                  -> c leased #2, d leased #1
t=8s    nack     c #2 retry=never                  -> c dead
t=8s    release  d #1                              -> d ready
t=9s    cancel   d                                 -> d cancelled
t=9s    redrive  c                                 -> c ready
t=9s    cancel   e                                 -> e cancelled
t=9s    lease    mail max=2 by w1                  -> b leased #2, c leased #1
t=10s   ack      b #2                              -> b succeeded
t=11s   ack      c #1                              -> c succeeded
t=11s   delete   c                                 -> c gone
t=11s   tally    mail                              -> enqueued 5, leased 7, succeeded 3, dead 1, cancelled 2, failed 2, retried 1, lease_lost 1, redriven 1, removed 1
t=11s   tally    task=send                         -> enqueued 4, leased 7, succeeded 3, dead 1, cancelled 1, failed 2, retried 1, waits 6, wait 14s, runs 5, run 7s, totals 4, total 22s
t=11s   tally    task=bill                         -> enqueued 1, cancelled 1
