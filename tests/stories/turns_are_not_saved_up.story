# A tenant that was away comes in at the present turn: what it did not use is gone.
t=0   enqueue  a b c d queue=mail fair=x -> a ready
t=1s  lease    mail max=3 by w1          -> a leased #1, b leased #1, c leased #1
t=2s  enqueue  e f g queue=mail fair=y   -> e ready
t=2s  enqueue  h queue=mail fair=x       -> h ready
t=3s  lease    mail max=9 by w1          -> e leased #1, d leased #1, f leased #1, h leased #1, g leased #1
