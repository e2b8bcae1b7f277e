# A list whose answer was lost is answered as at first, with its key and without (G3).
t=0   enqueue  a b queue=mail each=yes                         -> a ready, b ready
t=1s  lease    mail by w1                                      -> a leased #1
t=1s  enqueue  a b queue=mail each=yes again=yes               -> a leased, b ready
t=1s  enqueue  c d queue=post each=yes key=k body=x            -> c ready, d ready
t=2s  enqueue  c d queue=post each=yes key=k body=x again=yes  -> c ready, d ready
t=2s  lease    mail,post max=9 by w1                           -> b leased #1, c leased #1, d leased #1
t=3s  lease    mail,post max=9 by w1                           -> nothing
