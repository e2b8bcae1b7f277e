# An operation redrives all dead jobs that it means, and says how many it could not.
t=0   enqueue    a b queue=mail max_attempts=1        -> a ready
t=0   enqueue    c queue=mail max_attempts=1 unique=k -> c ready
t=0   enqueue    d queue=pics max_attempts=1          -> d ready
t=0   lease      mail,pics max=9 by w1                -> a leased #1, b leased #1, c leased #1, d leased #1
t=1s  nack       a #1 error=Bad                       -> a dead
t=1s  nack       b #1 error=Worse                     -> b dead
t=1s  nack       c #1 error=Bad                       -> c dead
t=1s  nack       d #1 error=Bad                       -> d dead
t=2s  enqueue    e queue=mail unique=k                -> e ready
t=2s  operate    retry queue=mail error=Bad           -> ok
t=2s  tick                                            -> a ready (run 2), b dead, c dead, d dead
t=2s  operation                                       -> state done, matched 2, done 1, skipped 1
