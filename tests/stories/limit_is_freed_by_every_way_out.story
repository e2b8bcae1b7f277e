# Every way out of a lease frees its slot, and nothing else does (G21).
t=0    set_limit  api concurrency=1                     -> ok
t=0    enqueue    a b c d e f g h queue=mail limits=api -> a ready
t=0    lease      mail max=9 by w1                      -> a leased #1
t=0    ack        a #1                                  -> a succeeded
t=0    lease      mail max=9 by w1                      -> b leased #1
t=0    nack       b #1 in=1h                            -> b retrying
t=0    lease      mail max=9 by w1                      -> c leased #1
t=0    snooze     c #1 delay=1h                         -> c scheduled
t=0    lease      mail max=9 by w1                      -> d leased #1
t=0    cancel     d mode=hard                           -> d cancelled
t=0    lease      mail max=9 by w1                      -> e leased #1
t=0    giveback   by w1                                 -> e ready
t=0    lease      mail max=9 ttl=10s by w1              -> e leased #2
t=0    extend     e #2 ttl=20s                          -> e leased
t=0    cancel     e                                     -> requested, e leased
t=0    cancel     f                                     -> f cancelled
t=0    lease      mail max=9 by w1                      -> nothing
t=20s  tick                                             -> e cancelled
t=20s  lease      mail max=9 by w1                      -> g leased #1
t=20s  release    g #1                                  -> g ready
t=20s  lease      mail max=9 by w1                      -> g leased #2
t=20s  nack       g #2 retry=never                      -> g dead
t=20s  lease      mail max=9 by w1                      -> h leased #1
t=20s  limit      api                                   -> leased 1
