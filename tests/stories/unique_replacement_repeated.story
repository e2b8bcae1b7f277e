# A call that let a job become another one comes again and is answered as at first, also once that job is leased; so is the call
# that made it (G3).
t=0   enqueue  a queue=mail unique=k on_conflict=replace                     -> a ready
t=1s  enqueue  b queue=mail unique=k on_conflict=replace                     -> replaced, a ready
t=1s  enqueue  c queue=post unique=l on_conflict=replace each=yes            -> c ready
t=1s  enqueue  d queue=post unique=l on_conflict=replace each=yes            -> replaced, c ready
t=2s  lease    mail,post max=9 by w1                                         -> a leased #1, c leased #1
t=2s  enqueue  b queue=mail unique=k on_conflict=replace again=yes           -> replaced, a leased
t=2s  enqueue  a queue=mail unique=k on_conflict=replace again=yes           -> a leased
t=2s  enqueue  d queue=post unique=l on_conflict=replace each=yes again=yes  -> replaced, c leased
t=2s  enqueue  c queue=post unique=l on_conflict=replace each=yes again=yes  -> c leased
