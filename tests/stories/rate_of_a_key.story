# A key of a rate lets as many leases through as it has tokens; a lease that is given back has used its own (G21).
t=0        set_limit  api rate=1/10s burst=2        -> ok
t=0        enqueue    a b c queue=mail limits=api:x -> a ready
t=0        enqueue    d queue=mail limits=api:y     -> d ready
t=0        lease      mail max=9 by w1              -> a leased #1, b leased #1, d leased #1
t=1s       giveback   by w1                         -> a ready, b ready, d ready
t=1s       lease      mail max=9 by w1              -> d leased #2
t=10s-1ms  lease      mail max=9 by w1              -> nothing
t=10s      lease      mail max=9 by w1              -> a leased #2
t=10s      lease      mail max=9 by w1              -> nothing
