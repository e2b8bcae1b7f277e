# A cancelled job never starts, in whatever state it waited; asking twice is the same (G20).
t=0     enqueue  a queue=mail                  -> a ready
t=0     enqueue  b queue=mail delay=10s        -> b scheduled
t=0     enqueue  c queue=pics initial=10s jitter=no -> c ready
t=0     lease    pics by w1                    -> c leased #1
t=0     nack     c #1                          -> c retrying
t=1s    cancel   a reason=typo                 -> a cancelled (reason typo, finished 1s)
t=1s    cancel   b                             -> b cancelled (due none)
t=1s    cancel   c                             -> c cancelled (due none)
t=2s    cancel   a reason=again                -> a cancelled (reason typo, finished 1s)
t=20s   tick                                   -> a cancelled, b cancelled, c cancelled
t=20s   lease    mail,pics max=9 by w1         -> nothing
