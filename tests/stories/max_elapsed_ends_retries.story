# No retry is due later than max_elapsed after the job was enqueued, or redriven.
t=0    enqueue  a queue=mail max_elapsed=10s max_attempts=9 -> a ready
t=3s   lease    mail by w1                               -> a leased #1
t=4s   nack     a #1 in=6s                               -> a retrying (due 10s)
t=10s  tick                                              -> a ready
t=10s  lease    mail by w1                               -> a leased #2
t=10s  nack     a #2 in=1ms                              -> a dead (reason max_elapsed, attempt 2)
t=20s  redrive  a                                        -> a ready
t=20s  lease    mail by w1                               -> a leased #1
t=25s  nack     a #1 in=5s                               -> a retrying (due 30s)
