# A later queue of the request gives only what the earlier ones could not (G18).
t=0     enqueue  a queue=bulk priority=255     -> a ready
t=0     enqueue  b c queue=mail priority=0     -> b ready, c ready
t=1s    lease    mail,bulk max=1 by w1         -> b leased #1
t=1s    lease    mail,bulk max=2 by w1         -> c leased #1, a leased #1
