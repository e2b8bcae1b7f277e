# A ready job whose time is over is cancelled instead of handed out; the next one is.
t=0       enqueue  a queue=mail expires=10s    -> a ready (expires 10s)
t=0       enqueue  b c queue=mail              -> b ready, c ready
t=10s     lease    mail by w1                  -> a cancelled (reason expired, finished 10s, delivery 0), b leased #1
t=10s     lease    mail by w1                  -> c leased #1
