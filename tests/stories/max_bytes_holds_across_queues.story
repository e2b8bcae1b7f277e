# What does not fit ends the lease: a later queue does not overtake it (G18).
t=0     enqueue  a b queue=mail bytes=60       -> a ready, b ready
t=0     enqueue  c queue=bulk bytes=10         -> c ready
t=1s    lease    mail,bulk max=9 bytes=100 by w1 -> a leased #1
t=1s    lease    mail,bulk max=9 bytes=100 by w1 -> b leased #1, c leased #1
