# A job that met its unique key was not taken in: that is counted for the queue that it was meant for.
t=0   enqueue  a queue=mail unique=k                     -> a ready
t=0   enqueue  b queue=mail unique=k                     -> deduplicated, a ready
t=0   enqueue  b queue=mail.low unique=k                 -> deduplicated, a ready
t=1s  enqueue  b queue=mail.low task=other unique=k on_conflict=replace -> replaced, a ready
t=1s  enqueue  b queue=mail unique=k on_conflict=reject  -> refused unique_conflict, a ready
t=3s  lease    mail,mail.low by w1                       -> a leased #1
t=3s  tally    mail                                      -> enqueued 1, deduplicated 1
t=3s  tally    mail.low                                  -> leased 1, deduplicated 1, replaced 1
t=3s  tally    task=other                                -> leased 1, waits 1, wait 3s
t=3s  tally    task=t                                    -> enqueued 1
