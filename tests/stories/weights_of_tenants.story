# A tenant of weight 3 has three turns for one of another.
t=0   enqueue  a b c d queue=mail fair=x          -> a ready
t=0   enqueue  e f g h queue=mail fair=y weight=3 -> e ready
t=1s  lease    mail max=3 by w1                   -> a leased #1, e leased #1, f leased #1
t=1s  lease    mail max=3 by w1                   -> g leased #1, b leased #1, h leased #1
t=1s  lease    mail max=3 by w1                   -> c leased #1, d leased #1
