# What becomes due goes behind what is ready, in order of due time, then of id (G18).
t=0     enqueue  c queue=mail delay=9s         -> c scheduled
t=0     enqueue  b queue=mail delay=10s        -> b scheduled
t=0     enqueue  a queue=mail delay=10s        -> a scheduled
t=0     enqueue  d queue=mail delay=5s priority=200 -> d scheduled
t=8s    enqueue  e queue=mail                  -> e ready
t=20s   tick                                   -> a ready, b ready, c ready, d ready
t=20s   enqueue  f queue=mail                  -> f ready
t=20s   lease    mail max=9 by w1              -> d leased #1, e leased #1, c leased #1, a leased #1, b leased #1, f leased #1
