# Tokens that nobody takes are not saved beyond the burst (G21).
t=0      configure  mail rate=1/1s burst=2 -> ok
t=0      enqueue    a b c d queue=mail     -> a ready
t=1h     lease      mail max=9 by w1       -> a leased #1, b leased #1
t=1h+1s  lease      mail max=9 by w1       -> c leased #1
