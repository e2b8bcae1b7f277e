# A retry that would be due at or after expires_at is not waited for.
t=0     enqueue  a b queue=mail expires=10s    -> a ready, b ready
t=0     lease    mail max=2 by w1              -> a leased #1, b leased #1
t=1s    nack     a #1 in=9s error=Slow         -> a cancelled (reason expired, attempt 1, error Slow, finished 1s)
t=1s    nack     b #1 in=9s-1ms                -> b retrying (attempt 2, due 10s-1ms)
