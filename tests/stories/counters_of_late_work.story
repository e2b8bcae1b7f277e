# What comes after its deadline and is taken is late; a lease that ran out was lost, one that ran too long has failed.
t=0     enqueue  a b queue=mail                        -> a ready, b ready
t=0     enqueue  c queue=mail max_runtime=2s max_attempts=1 -> c ready
t=1s    lease    mail max=3 ttl=1s by w1               -> a leased #1, b leased #1, c leased #1
t=2s    extend   c #1 ttl=2s                           -> late, c leased
t=2s    ack      a #1                                  -> late, a succeeded
t=2s    tick                                           -> b ready (crash 1)
t=3s    tick                                           -> c dead
t=4s    nack     b #1 in=1s                            -> late, b retrying
t=4s    ack      a #1                                  -> repeated, a succeeded
t=4s    tally    mail                                  -> enqueued 3, leased 3, succeeded 1, dead 1, failed 2, retried 1, lease_lost 1, late 3
t=4s    tally    task=t                                -> enqueued 3, leased 3, succeeded 1, dead 1, failed 2, retried 1, waits 3, wait 3s, runs 3, run 6s, totals 2, total 5s
