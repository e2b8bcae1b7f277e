# A plain retry has a new place when it is due: who waited all the time goes first (G18).
t=0   enqueue  a b queue=mail   -> a ready
t=0   lease    mail by w1       -> a leased #1
t=0   nack     a #1 in=1s       -> a retrying
t=1s  tick                      -> a ready
t=1s  lease    mail max=2 by w1 -> b leased #1, a leased #2
