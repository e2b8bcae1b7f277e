# Jobs of one request come out in the order of the request, whatever their ids (G18).
t=0     enqueue  c a d b queue=mail            -> a ready, b ready, c ready, d ready
t=1s    lease    mail max=3 by w1              -> c leased #1, a leased #1, d leased #1
t=1s    lease    mail max=3 by w1              -> b leased #1
