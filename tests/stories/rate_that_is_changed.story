# A rate that is changed begins with a full bucket, whatever was used up under the one before; the same rate again goes on (G21).
t=0   configure  mail rate=1/1h burst=1                -> ok
t=0   set_limit  api rate=1/1h burst=1                 -> ok
t=0   enqueue    a b c d queue=mail                    -> a ready
t=0   enqueue    p q r s queue=pics limits=api:x       -> p ready
t=0   lease      mail,pics max=9 by w1                 -> a leased #1, p leased #1
t=1s  configure  mail rate=1/10s burst=2               -> ok
t=1s  set_limit  api rate=1/10s burst=2                -> ok
t=1s  lease      mail,pics max=9 by w1                 -> b leased #1, c leased #1, q leased #1, r leased #1
t=2s  configure  mail rate=1/10s burst=2               -> ok
t=2s  set_limit  api rate=1/10s burst=2                -> ok
t=2s  lease      mail,pics max=9 by w1                 -> nothing
t=11s lease      mail,pics max=9 by w1                 -> d leased #1, s leased #1
