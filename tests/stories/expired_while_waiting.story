# A job that nobody holds is cancelled when its time is over, in whatever state it waits.
t=0       enqueue  a queue=mail expires=10s    -> a ready
t=0       enqueue  b queue=mail expires=10s delay=1h -> b scheduled
t=0       enqueue  c queue=pics expires=10s initial=9s jitter=no -> c ready
t=0       lease    pics by w1                  -> c leased #1
t=0       nack     c #1                        -> c retrying (due 9s)
t=0       enqueue  d queue=text expires=10s    -> d ready
t=10s     tick                                 -> a cancelled (reason expired, finished 10s), b cancelled (reason expired, due none), c cancelled (reason expired), d cancelled
