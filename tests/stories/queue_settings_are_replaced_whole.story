# Settings are replaced as a whole: what is not said again is as the server has it.
t=0  configure  mail lease=10s max_crashes=1 -> ok
t=0  configure  mail max_crashes=2           -> ok
t=0  enqueue    a queue=mail                 -> a ready (max_crashes 2)
t=0  lease      mail by w1                   -> a leased #1 (deadline 30s)
