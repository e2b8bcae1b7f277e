# Priority is exact within a tenant; turns go before priority between tenants.
t=0   enqueue  a b queue=mail fair=x priority=200 -> a ready
t=0   enqueue  c queue=mail fair=x priority=250   -> c ready
t=0   enqueue  d e queue=mail fair=y priority=1   -> d ready
t=1s  lease    mail max=9 by w1                   -> c leased #1, d leased #1, a leased #1, e leased #1, b leased #1
