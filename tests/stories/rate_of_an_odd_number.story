# The time between two tokens is rounded up: three a second are never four (G21).
t=0      configure  mail rate=3/1s burst=1 -> ok
t=0      enqueue    a b c d queue=mail     -> a ready
t=0      lease      mail max=9 by w1       -> a leased #1
t=333ms  lease      mail by w1             -> nothing
t=334ms  lease      mail by w1             -> b leased #1
t=667ms  lease      mail by w1             -> nothing
t=668ms  lease      mail by w1             -> c leased #1
