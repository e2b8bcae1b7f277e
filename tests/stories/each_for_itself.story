# Of a list each job stands for itself: one that is kept out keeps no other out, and they stay in their order.
t=0   configure  mail max_depth=2                     -> ok
t=0   enqueue    a b c queue=mail each=yes            -> refused queue_full, a ready, b ready, c gone
t=1s  lease      mail max=2 by w1                     -> a leased #1, b leased #1
t=1s  drain      mail                                 -> ok
t=1s  enqueue    c d queue=mail each=yes              -> refused queue_draining, c gone, d gone
t=2s  enqueue    e f queue=post each=yes expires_at=1s -> refused expired, e gone, f gone
