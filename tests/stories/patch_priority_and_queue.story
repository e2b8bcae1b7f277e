# A job that waits may get another priority or queue, with a new place in line.
t=0   enqueue  a b c queue=mail     -> a ready
t=1s  patch    c priority=200       -> c ready (priority 200)
t=1s  patch    a priority=100       -> a ready
t=1s  patch    b queue=mail.low     -> b ready (queue mail.low)
t=1s  lease    mail max=9 by w1     -> c leased #1, a leased #1
t=1s  lease    mail.low max=9 by w1 -> b leased #1
