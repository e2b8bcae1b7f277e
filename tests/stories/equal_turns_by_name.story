# Where turns are equal, the names of the tenants decide, not who came first.
t=0   enqueue  a queue=mail fair=z -> a ready
t=0   enqueue  b queue=mail fair=B -> b ready
t=0   enqueue  c queue=mail fair=a -> c ready
t=1s  lease    mail max=9 by w1    -> b leased #1, c leased #1, a leased #1
