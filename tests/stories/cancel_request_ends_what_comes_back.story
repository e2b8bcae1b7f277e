# A job that was asked to end does so when its holder releases it, puts it off, or never got it.
t=0   enqueue   a b c queue=mail -> a ready
t=0   lease     mail max=2 by w1 -> a leased #1, b leased #1
t=0   lease     mail by w2       -> c leased #1
t=1s  cancel    a reason=why     -> requested, a leased
t=1s  cancel    b reason=why     -> requested, b leased
t=1s  cancel    c reason=why     -> requested, c leased
t=2s  release   a #1 reason=mine -> a cancelled (reason why)
t=2s  snooze    b #1 delay=5s    -> b cancelled (reason why, due none)
t=2s  giveback  by w2            -> c cancelled (reason why)
t=9s  tick                       -> a cancelled, b cancelled, c cancelled
t=9s  lease     mail max=9 by w1 -> nothing
