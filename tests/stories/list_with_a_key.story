# A list keeps its order and its key in a queue that nothing bounds (G3), and is kept out where the queue is drained.
t=0   enqueue  a b c queue=mail each=yes key=k body=x            -> a ready, b ready, c ready
t=1s  lease    mail by w1                                        -> a leased #1
t=2s  enqueue  a b c queue=mail each=yes key=k body=x again=yes  -> a leased, b ready, c ready
t=3s  enqueue  d e f queue=mail each=yes key=k body=x            -> replayed, a leased, b ready, c ready
t=4s  enqueue  g h queue=mail each=yes key=k body=y              -> refused idempotency_mismatch, g gone, h gone
t=5s  lease    mail max=9 by w1                                  -> b leased #1, c leased #1
t=6s  drain    mail                                              -> ok
t=6s  enqueue  i j queue=mail each=yes                           -> refused queue_draining, i gone, j gone
