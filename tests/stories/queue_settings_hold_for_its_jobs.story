# What a queue says holds for its jobs, also for those that are there, from then on.
t=0    enqueue    a b queue=mail                           -> a ready (max_attempts 3, max_crashes 5)
t=0    lease      mail by w1                               -> a leased #1 (deadline 30s)
t=1s   configure  mail lease=10s max_attempts=1 max_crashes=1 -> ok
t=1s   lease      mail by w1                               -> b leased #1 (deadline 11s, max_attempts 1, max_crashes 1)
t=2s   nack       a #1                                     -> a dead (reason max_attempts)
t=11s  tick                                                -> b dead (reason max_crashes)
