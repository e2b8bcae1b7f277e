# A purge removes what waits, with everything that stands for it: a key, a lane, room.
t=0   configure  mail max_depth=4                 -> ok
t=0   enqueue    a queue=mail unique=k            -> a ready
t=0   enqueue    b queue=mail order=u             -> b ready
t=0   enqueue    c queue=mail delay=1h tags=x:1   -> c scheduled
t=0   enqueue    d queue=mail order=w             -> d ready
t=0   lease      mail max=2 by w1                 -> a leased #1, b leased #1
t=0   release    a #1                             -> a ready
t=0   nack       b #1 in=1h                       -> b retrying
t=0   lease      mail max=1 by w1                 -> a leased #2
t=1s  operate    purge queue=mail                 -> ok
t=1s  tick                                        -> a leased, b gone, c gone, d gone
t=1s  operation                                   -> matched 3, done 3
t=1s  list                                        -> a leased
t=2s  enqueue    e f queue=mail order=u           -> e ready
t=2s  lease      mail max=9 by w1                 -> e leased #1
t=3s  ack        a #2                             -> a succeeded
t=3s  enqueue    g queue=mail delay=1h unique=k   -> g scheduled
t=3s  operate    purge queue=mail state=scheduled -> ok
t=3s  tick                                        -> g gone, f ready
t=3s  enqueue    h queue=mail unique=k            -> h ready
