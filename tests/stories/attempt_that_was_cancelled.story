# A delivery that was ended from outside is shown as cancelled.
t=0   enqueue   a b queue=mail -> a ready
t=0   lease     mail by w1     -> a leased #1
t=1s  cancel    a mode=hard    -> a cancelled
t=1s  attempts  a              -> cancelled 1
t=1s  cancel    b              -> b cancelled
t=1s  attempts  b              -> nothing
