# A grant that reached nobody goes back to its place; no limit is touched, and its token is over (G27).
t=0     enqueue  a b c queue=mail              -> a ready
t=0     lease    mail max=2 by w1              -> a leased #1, b leased #1
t=1s    giveback by w1                         -> a ready (attempt 1, crash 0, delivery 1), b ready (crash 0)
t=1s    ack      a #1                          -> refused lease_lost, a ready
t=2s    lease    mail max=3 by w2              -> a leased #2, b leased #2, c leased #1
