# Jobs without a fairness key share one turn, and go first where turns are equal.
t=0   enqueue  c d queue=mail fair=x -> c ready
t=1s  enqueue  a b queue=mail        -> a ready
t=2s  lease    mail max=9 by w1      -> a leased #1, c leased #1, b leased #1, d leased #1
