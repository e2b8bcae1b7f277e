# A key without tokens says so until the next one comes.
t=0        set_limit  api rate=1/10s burst=1    -> ok
t=0        enqueue    a b queue=mail limits=api -> a ready
t=0        lease      mail max=9 by w1          -> a leased #1
t=10s-1ms  explain    b                         -> limit_rate api
t=10s      explain    b                         -> nothing
