# A job that waits may be put off, or made ready at once.
t=0   enqueue  a b c d queue=mail -> a ready
t=0   lease    mail by w1         -> a leased #1
t=0   nack     a #1 in=1h         -> a retrying (due 1h)
t=1s  patch    a delay=10s        -> a retrying (due 11s, attempt 2)
t=1s  patch    b delay=5s         -> b scheduled (due 6s)
t=1s  patch    b run_at=20s       -> b scheduled (due 20s)
t=1s  patch    c run_at=1s        -> c ready (due none)
t=2s  patch    b run_at=1s        -> b ready (due none)
t=2s  patch    a delay=0          -> a ready (due none, attempt 2)
t=2s  lease    mail max=9 by w1   -> d leased #1, c leased #1, b leased #1, a leased #2
