# A job that expired in the line costs its tenant no turn, no token and no slot.
t=0    configure  mail rate=2/1h burst=2          -> ok
t=0    enqueue    a queue=mail fair=x expires=10s -> a ready
t=0    enqueue    b c queue=mail fair=x           -> b ready
t=0    enqueue    d queue=mail fair=y             -> d ready
t=20s  lease      mail tick=no by w1              -> b leased #1, a cancelled
t=20s  lease      mail max=9 tick=no by w1        -> d leased #1
