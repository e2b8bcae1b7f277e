# The same worker and key get the same leases again and nothing new (G9).
t=0     enqueue  a b c queue=mail              -> a ready
t=0     lease    mail max=2 ttl=30s by w1 key=k -> a leased #1, b leased #1
t=5s    lease    mail max=2 ttl=30s by w1 key=k -> replayed, a leased #1 (deadline 30s, delivery 1), b leased #1
t=6s    lease    mail max=9 by w1 key=k        -> replayed, a leased #1, b leased #1, c ready
