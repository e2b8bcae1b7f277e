# A queue gives no more than its burst at once, then one job each time a token is there again (G21).
t=0       configure  mail rate=2/10s burst=3 -> ok
t=0       enqueue    a b c d e queue=mail    -> a ready
t=0       enqueue    p queue=pics            -> p ready
t=0       lease      mail,pics max=9 by w1   -> a leased #1, b leased #1, c leased #1, p leased #1
t=1s      release    a #1                    -> a ready
t=5s-1ms  lease      mail max=9 by w1        -> nothing
t=5s      lease      mail max=9 by w1        -> a leased #2
t=9s      lease      mail max=9 by w1        -> nothing
t=15s     lease      mail max=9 by w1        -> d leased #1, e leased #1
