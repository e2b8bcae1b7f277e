# A worker may throw a job away: dead whatever attempts it has left, and gone with the next tick.
t=0    configure  mail dead=1h                           -> ok
t=0    enqueue    a b c queue=mail max_attempts=9        -> a ready
t=0    enqueue    d queue=mail retention=2h              -> d ready
t=0    enqueue    g queue=mail                           -> g ready
t=0    lease      mail max=9 ttl=10s by w1               -> a leased #1, b leased #1, c leased #1, d leased #1, g leased #1
t=0    cancel     b reason=why                           -> requested, b leased
t=1s   nack       a #1 retry=discard in=5s               -> a dead (attempt 1, reason discarded, finished 1s)
t=1s   nack       b #1 retry=discard                     -> b cancelled (reason why)
t=1s   nack       c #1 retry=never                       -> c dead (reason not_retryable)
t=1s   nack       d #1 retry=discard                     -> d dead (reason discarded)
t=1s   nack       a #1 retry=discard                     -> repeated, a dead
t=1s   attempts   a                                      -> failed 1
t=1s   tick                                              -> a gone, b cancelled, c dead, d gone
t=10s  tick                                              -> g ready
t=11s  nack       g #1 retry=discard                     -> late, g dead (reason discarded, crash 1)
t=11s  tick                                              -> g gone
