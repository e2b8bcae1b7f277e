# A job waits from the moment when it is due, and that may be said anew; it is counted once for each such moment.
t=0     enqueue  a queue=mail delay=1h                 -> a scheduled
t=10s   patch    a run_at=5s                           -> a ready
t=12s   lease    mail by w1                            -> a leased #1
t=13s   release  a #1                                  -> a ready
t=15s   lease    mail by w1                            -> a leased #2
t=16s   snooze   a #2 delay=4s                         -> a scheduled
t=21s   tick                                           -> a ready
t=23s   lease    mail by w1                            -> a leased #3
t=24s   ack      a #3                                  -> a succeeded
t=24s   tally    task=t                                -> enqueued 1, leased 3, succeeded 1, waits 2, wait 5s, runs 1, run 1s, totals 1, total 24s
t=24s   tally    mail                                  -> enqueued 1, leased 3, succeeded 1
