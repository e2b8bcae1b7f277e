# A dead job that holds its ordering key lets go when its record is deleted, or pruned.
t=0      enqueue  a b c queue=mail order=u on_dead=hold retention=1m -> a ready
t=0      lease    mail by w1                               -> a leased #1
t=0      nack     a #1 retry=never                         -> a dead
t=1s     lease    mail max=9 by w1                         -> nothing
t=1s     delete   a                                        -> a gone
t=1s     lease    mail max=9 by w1                         -> b leased #1
t=1s     nack     b #1 retry=never                         -> b dead
t=1m     lease    mail max=9 by w1                         -> nothing
t=1m+1s  tick                                              -> b gone
t=1m+1s  lease    mail max=9 by w1                         -> c leased #1
