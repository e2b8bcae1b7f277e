# A released job goes ahead of everything younger, and no limit is touched (G18).
t=0     enqueue  a b c queue=mail              -> a ready, b ready, c ready
t=1s    lease    mail max=2 by w1              -> a leased #1, b leased #1
t=2s    release  b #1 reason=unknown_task      -> b ready (attempt 1, crash 0, delivery 1, reason unknown_task)
t=3s    release  a #1                          -> a ready
t=4s    lease    mail max=3 by w2              -> a leased #2, b leased #2 (reason none), c leased #1
