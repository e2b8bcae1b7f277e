# A job whose time is over is counted as expired and as cancelled, whoever finds it so.
t=0     enqueue  a queue=mail expires=10s              -> a ready
t=0     enqueue  b queue=mail expires=20s initial=30s jitter=no -> b ready
t=0     enqueue  c queue=mail expires=5s               -> c ready
t=5s    lease    mail by w1                            -> a leased #1, c ready
t=5s    release  a #1                                  -> a ready
t=10s   tick                                           -> a cancelled, c cancelled
t=11s   lease    mail by w1                            -> b leased #1
t=12s   nack     b #1                                  -> b cancelled (reason expired)
t=12s   enqueue  d queue=mail expires=1s               -> d ready
t=13s   lease    mail by w1                            -> nothing, d cancelled
t=13s   tally    mail                                  -> enqueued 4, leased 2, cancelled 4, expired 4, failed 1
t=13s   tally    task=t                                -> enqueued 4, leased 2, cancelled 4, failed 1, waits 2, wait 16s, runs 1, run 1s
